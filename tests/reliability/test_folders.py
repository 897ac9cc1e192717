"""Damaged and hostile results folders: each command ends with a sentence or goes on and says what was edited.

Never a traceback, and never another number without a word: what differs from the undamaged folder is named on stderr.
"""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from command_line import call_jaxpe
from page_folders import make_entry, make_scores
from reliability.damages import ANY_FILE, CLAIMS, JSON_FILES, OWN_DAMAGES, PROVENANCE, TABLE
from support import ROOT

from jaxpe.records.csv_tables import write_table
from jaxpe.records.json_values import write_json
from jaxpe.records.provenance import UNSEALED, read_provenance, record_derived, write_provenance
from jaxpe.report.page import PAGES

OWN, REAL = "mine", "randomized"
ANSWER = {"question": "help", "text": "It does.", "figure": "", "short": ""}
FIGURE = "figures/gain.svg"
SLOW = pytest.mark.slow


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A real experiment and one of the user's own with answers, as jaxpe leaves them, and a second such folder."""
    folder = tmp_path_factory.mktemp("whole") / "r"
    shutil.copytree(ROOT / "results" / REAL, folder / REAL)
    facts = {name: value for name, value in read_provenance(folder / REAL).items() if name not in UNSEALED}
    write_provenance(folder / REAL, facts)
    write_json(folder / "jaxpe.json", {"schema": 2, "jaxpe": "0.1.0"})
    write_table(folder / OWN / TABLE, make_scores(experiment=OWN))
    write_json(folder / OWN / CLAIMS, [make_entry("A1", question="help"), make_entry("A2")])
    write_json(folder / OWN / "answers.json", [ANSWER])
    write_json(folder / OWN / "summary.json", {"title": "Means", "columns": ["a", "b"], "rows": [["1", "2"]]})
    write_provenance(folder / OWN, {"experiment": OWN, "command": "jaxpe run mine.py", "versions": {"jaxpe": "0.1.0"}})
    record_derived(folder / OWN, [CLAIMS, "answers.json", "summary.json"])
    return folder


@pytest.fixture(scope="module")
def pages(whole, tmp_path_factory):
    """What each command writes for the undamaged folder, by command."""
    texts = {}
    for command in ("plot", "report"):
        assert end(command, "--results", whole) == 0
        texts[command] = read_pages(whole)
    shutil.copytree(whole, whole.with_name("other"))
    output = tmp_path_factory.mktemp("compared")
    assert end("compare", whole, whole.with_name("other"), "--output", output / "c") == 0
    return texts | {"compare": read_differences(output / "c" / TABLE)}


def read_pages(folder):
    """Both pages of a results folder, one after the other."""
    return b"".join((folder / file).read_bytes() for file in PAGES)


def read_differences(path):
    """The table of a comparison without the names of its sides."""
    return pd.read_csv(path).drop(columns=["a", "b"]).to_csv().encode()


def end(*words):
    """The exit code of a command in this process."""
    from jaxpe import cli

    with pytest.raises(SystemExit) as exit_info:
        cli.main(list(map(str, words)))
    return exit_info.value.code or 0


@pytest.fixture
def damaged(whole, pages, tmp_path, monkeypatch):
    """A copy of the folder, to be damaged, in a folder of its own that no command may write to."""
    monkeypatch.chdir(tmp_path)
    return Path(shutil.copytree(whole, tmp_path / "r"))


# ── damages ─────────────────────────────────────────────────────────────────────────────────────────────────────────

FILES = {
    TABLE: (OWN, REAL), CLAIMS: (OWN, REAL), PROVENANCE: (OWN, REAL), "answers.json": (OWN,), "summary.json": (OWN, REAL),
    FIGURE: (REAL,), "../jaxpe.json": (REAL,),
}  # fmt: skip
DAMAGES = [
    (f"{folder}/{file}", name, damage)
    for file, folders in FILES.items()
    for folder in folders
    for name, damage in (
        ANY_FILE | (JSON_FILES if file.endswith(".json") else {}) | (OWN_DAMAGES.get(file, {}) if folder == OWN else {})
    ).items()
]
FAST = 17  # every such damage is in the fast tests
EACH = [
    pytest.param(*one, id=f"{one[0]}-{one[1]}", marks=() if i % FAST == 0 else SLOW) for i, one in enumerate(DAMAGES)
]


def test_there_are_enough_damages_of_every_kind_of_file():
    assert len(DAMAGES) >= 200 and {path.rpartition("/")[2] for path, *_ in DAMAGES} >= {
        TABLE, CLAIMS, PROVENANCE, "answers.json", "summary.json", "gain.svg", "jaxpe.json",
    }  # fmt: skip


def assert_told(outcome, path, before, written, read=read_pages):
    """The command refused the file in one sentence, or named it, or wrote what it writes for the undamaged folder."""
    assert "Traceback" not in outcome.err and outcome.code in (0, 2, 3), outcome
    name = path.rpartition("/")[2]
    if outcome.code == 2:
        assert len(outcome.err.splitlines()) == 1 and outcome.err.startswith("jaxpe: "), outcome
        assert "The report is" not in outcome.out
        assert name in outcome.err or path.split("/")[0] in outcome.err or "is not a results folder" in outcome.err
    elif (
        outcome.code == 0 and read(written) != before and not (name == "gain.svg" and b"gain.svg" not in read(written))
    ):
        assert name in outcome.err or path.split("/")[0] in outcome.err or "provenance.json" in outcome.err, outcome


@pytest.mark.parametrize(("path", "name", "damage"), EACH)
def test_a_damaged_file_is_refused_or_named(damaged, whole, pages, capsys, path, name, damage):
    """By the page and by a comparison with the undamaged folder."""
    damage(damaged / path)
    outside = set(damaged.parent.iterdir())
    outcome = call_jaxpe(capsys, "report", "--results", damaged)
    assert_told(outcome, path, pages["report"], damaged)
    assert b"<script>alert" not in read_pages(damaged) or outcome.code
    assert set(damaged.parent.iterdir()) == outside
    outcome = call_jaxpe(capsys, "compare", whole, damaged, "--output", "c")
    assert_told(outcome, path, pages["compare"], Path("c", TABLE), read_differences)


@pytest.mark.parametrize(
    ("path", "name", "damage"),
    [
        pytest.param(*one, id=f"{one[0]}-{one[1]}", marks=() if i % 40 == 0 else SLOW)
        for i, one in enumerate(DAMAGES)
        if i % 3 == 0 or one[0].startswith("randomized/table")
    ],
)
def test_drawing_again_and_verifying_say_what_is_wrong(damaged, pages, capsys, path, name, damage):
    """`verify` first: it ends with 3 where anything differs. `plot` may write a damaged file again, from the table."""
    damage(damaged / path)
    outcome = call_jaxpe(capsys, "verify", damaged)
    assert "Traceback" not in outcome.err
    assert outcome.code in (2, 3) or is_harmless(path, name), (outcome, path)
    outcome = call_jaxpe(capsys, "plot", "--results", damaged)
    assert_told(outcome, path, pages["plot"], damaged)


def is_harmless(path, name):
    """A byte order mark before the marker: nothing that is read differs, and the marker has no digest."""
    return path.endswith("jaxpe.json") and name == "byte order mark"


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=SLOW) for seed in range(1, 10))])
@pytest.mark.parametrize("file", [TABLE, CLAIMS, PROVENANCE])
def test_a_flipped_bit_is_noticed_or_changes_nothing(whole, pages, tmp_path, monkeypatch, capsys, file, seed):
    """Five flips a case, 150 in all: the page is refused, names the file, or is the same to the byte."""
    monkeypatch.chdir(tmp_path)
    generator = np.random.default_rng([seed, len(file)])
    for i in range(5):
        folder = Path(shutil.copytree(whole, tmp_path / str(i)))
        path = folder / (OWN if i % 2 else REAL) / file
        content = bytearray(path.read_bytes())
        content[generator.integers(len(content))] ^= 1 << int(generator.integers(8))
        path.write_bytes(bytes(content))
        outcome = call_jaxpe(capsys, "report", "--results", folder)
        assert_told(outcome, path.relative_to(folder).as_posix(), pages["report"], folder)
        if outcome.code == 0 and read_pages(folder) != pages["report"]:
            assert "edited" in outcome.err or "no digests" in outcome.err or "Ignored" in outcome.err


def test_a_hostile_folder_runs_nothing_and_writes_nothing_outside(damaged, capsys):
    """Files and names that would be run, followed or fetched, everywhere at once."""
    code = f"import pathlib\npathlib.Path({str(damaged.parent / 'ran')!r}).write_text('')\n"
    outside = damaged.parent / "outside"
    outside.mkdir()
    for name in ("x.py", "randomized.py", "jaxpe.py", "sitecustomize.py", "conftest.py", "matplotlibrc"):
        for folder in (damaged / OWN, damaged.parent):
            (folder / name).write_text(code)
    for name in ("x.py", "javascript:alert(1)", "-rf", "'; touch ran; '", "$(touch ran)", "%s%n", "..py", "a\nb"):
        shutil.copytree(damaged / OWN, damaged / name, symlinks=True)
        facts = {"experiment": name, "command": "$(touch ran)", "preset": {"encodings": ["x.py:Mine"], "grid": []}}
        write_table(damaged / name / TABLE, make_scores(("x.py:Mine", "../x.py:Mine"), experiment=name))
        write_provenance(damaged / name, facts)
    (damaged / "linked").symlink_to(outside)
    (damaged / OWN / "figures").symlink_to(outside)
    before = sorted(path for path in damaged.parent.rglob("*") if damaged not in path.parents)
    for command in (["plot", "--results", damaged], ["report", "--results", damaged], ["verify", damaged]):
        outcome = call_jaxpe(capsys, *command)
        assert outcome.code in (0, 2, 3) and "Traceback" not in outcome.err
    assert call_jaxpe(capsys, "compare", damaged, damaged / OWN, "--output", damaged.parent / "c").code in (0, 2)
    after = [path for path in damaged.parent.rglob("*") if damaged not in path.parents and "c" not in path.parts]
    assert sorted(after) == before and not (damaged.parent / "ran").exists()
