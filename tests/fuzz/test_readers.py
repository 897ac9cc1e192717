"""Readers of files of the user's own: whatever is in a file, it is read or refused in one sentence, in bounded memory.

JAXPE_FUZZ is the number of changed files for each reader. An input that failed is read again, alone, by
`run_readers.py FOLDER COUNT READER`.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("fuzz")]
FOLDER = Path(__file__).parent
READERS = (
    "text", "csv", "tsv", "jsonl", "json", "parquet", "npy", "safetensors", "torch zip", "torch old", "onnx", "gguf",
    "ctranslate2", "png", "jpeg", "webp",
)  # fmt: skip
MOST_MEMORY = 300  # MiB


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """What one process found for all readers."""
    folder = tmp_path_factory.mktemp("fuzz")
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(map(str, (FOLDER, FOLDER.parent, ROOT))), "JAXPE_CACHE": str(folder / "cache"),
        "HF_HUB_OFFLINE": "1",
    }  # fmt: skip
    command = [sys.executable, str(FOLDER / "run_readers.py"), str(folder), os.environ.get("JAXPE_FUZZ", "150")]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    return [json.loads(line) for line in done.stdout.splitlines()], done


@pytest.mark.parametrize("reader", READERS)
def test_changed_files_are_read_or_refused_in_one_sentence(outcomes, reader):
    lines, done = outcomes
    [line] = [line for line in lines if line.get("reader") == reader] or [done]
    assert line["faults"] == [] and line["memory"] < MOST_MEMORY
    assert line["refused"] > 10 and line["read"]  # some changes matter, and some do not


def test_hostile_files_are_refused_in_bounded_memory(outcomes):
    lines, done = outcomes
    hostile = {line["hostile"]: line for line in lines if "hostile" in line}
    assert done.returncode == 0 and len(hostile) > 30, done
    assert {name: line for name, line in hostile.items() if line["memory"] > MOST_MEMORY} == {}
    ends = {name: line["end"] for name, line in hostile.items() if line["end"] not in ("read", "refused")}
    assert ends == {}


def test_nothing_but_results_is_printed(outcomes):
    assert outcomes[1].stderr == ""
