"""`jaxpe verify`: every number of a results folder computed again from what it comes from, and compared.

Claims, answers and summaries come from the table; the table from stored runs, as far as these and their measurements are there;
RESULTS.md, the generated blocks of README.md and the page from both. Nothing is written, trained or compiled.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from difflib import SequenceMatcher
from itertools import zip_longest
from pathlib import Path
from typing import Any

from jaxpe.errors import UserError, escape_unprintable
from jaxpe.records.csv_tables import read_table
from jaxpe.records.experiment_folders import Members, list_members
from jaxpe.records.json_values import format_json
from jaxpe.records.provenance import DERIVED, TABLE, find_edits
from jaxpe.records.stored_files import exists, read_text, read_typed_json
from jaxpe.report.data_guide import DATA, render_data_guide
from jaxpe.report.edits import explain_faults
from jaxpe.report.markdown import BLOCK, fill_blocks
from jaxpe.report.messages import LANGUAGES, Messages
from jaxpe.report.numbers import list_cell_folders
from jaxpe.report.page import PAGES, render_page
from jaxpe.report.redraw import make_derived
from jaxpe.report.results import PUBLISHED, QUICK, README, RESULTS, STANDARD, render_results
from jaxpe.study.experiment import Experiment, call_experiment
from jaxpe.study.origins import describe_edit
from jaxpe.study.recorded import describe_unknown, find_experiment
from jaxpe.study.stored_runs import Verification, compare_with_runs

TOLERANCE = 1e-9  # of a number against the same number computed again, as a share of it
NAMED = 5  # differences of one file; the others are counted
OPENS_IN = re.compile(r'<html lang="(\w+)"')


def verify_results(results: Path, own: Mapping[str, Experiment], root: Path) -> Verification:
    """Verifies a results folder, and the pages in the folder `root` that are made from it.

    `own`: experiments of the user's own by name. What the folder names is looked up here and by `find_experiment`, and never
    loaded. A file that cannot be used is a difference.
    """
    members = list_members(results)
    lost = tuple(edit.sentence for edit in Members([], [], members.lost).find_edits())
    verification = Verification(differences=lost, notes=(members.sentence,) if members.ignored else ())
    for folder in members.folders:
        verification = verification.join(collect(lambda folder=folder: verify_experiment(results, folder, own)))  # type: ignore[misc]
    for verify in (verify_pages, verify_results_page, verify_readme):
        verification = verification.join(collect(lambda verify=verify: verify(results, root)))  # type: ignore[misc]
    return verification._replace(notes=tuple(dict.fromkeys(verification.notes)))


def collect(verify: Callable[[], Verification]) -> Verification:
    """What `verify` says; where files cannot be used, this is a difference."""
    try:
        return verify()
    except UserError as error:
        return Verification(differences=(str(error),))


# ── one experiment ──────────────────────────────────────────────────────────────────────────────────────────────────


def verify_experiment(results: Path, folder: Path, own: Mapping[str, Experiment]) -> Verification:
    """Digests, then what is made from the table, then the table itself."""
    edits = find_edits(folder)
    verification = Verification(differences=tuple(edit.sentence for edit in edits))
    experiment = find_experiment(folder, own.values())
    if experiment is None:
        note = describe_unknown(folder, "add --experiments {file} to verify its claims.")
        return verification.join(Verification(notes=(escape_unprintable(note),)))
    if edit := describe_edit(folder.name, experiment.origin, folder):
        verification = verification.join(Verification(notes=(edit,)))
    with explain_faults(edits, f"{folder} cannot be computed again"):
        derived = collect(lambda: verify_derived(experiment, folder))
        rows = collect(lambda: compare_with_runs(experiment, results, folder))
    return verification.join(derived).join(rows)


def verify_derived(experiment: Experiment, folder: Path) -> Verification:
    """Claims, answers and summary against those that the experiment makes from the table."""
    table = read_table(folder / TABLE)
    computed = call_experiment(experiment, lambda: make_derived(experiment, table))
    verification = Verification()
    for name in DERIVED:
        path = folder / name
        stored: Any = read_typed_json(path, object) if exists(path) else MISSING
        remade = json.loads(format_json(computed[name])) if name in computed else MISSING
        pairs = [] if stored is remade is MISSING else list(pair_values(stored, remade))
        differences = [
            f"{folder.name}/{name}: {place}{describe_pair(old, new)}"
            for place, old, new in pairs
            if not agrees(old, new)
        ]
        agreeing = len(pairs) - len(differences)
        verification = verification.join(Verification(agreeing, shorten(differences, f"{folder.name}/{name}")))
    return verification


MISSING = "nothing"


def pair_values(stored: Any, computed: Any, place: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Every value of either with its place: 'C8: effect: '. Entries with an id are paired by it, others by their order."""
    if isinstance(stored, list) and isinstance(computed, list):
        stored, computed = index_entries(stored), index_entries(computed)
    if isinstance(stored, dict) and isinstance(computed, dict):
        for key in dict.fromkeys([*stored, *computed]):
            yield from pair_values(stored.get(key, MISSING), computed.get(key, MISSING), f"{place}{key}: ")
    else:
        yield place, stored, computed


def index_entries(entries: list[Any]) -> dict[str, Any]:
    """The entries of a list by their id or number."""
    ids = [entry.get("id") if isinstance(entry, dict) else None for entry in entries]
    return {f"entry {i}" if ids[i - 1] is None else str(ids[i - 1]): entry for i, entry in enumerate(entries, 1)}


def agrees(stored: Any, computed: Any) -> bool:
    """Whether two values are the same; numbers up to rounding errors."""
    numbers = all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in (stored, computed))
    return math.isclose(stored, computed, rel_tol=TOLERANCE, abs_tol=1e-12) if numbers else stored == computed


def describe_pair(stored: Any, computed: Any) -> str:
    """What is stored and what is computed, as a line shows it; of two texts the part in which they differ."""
    if isinstance(stored, str) and isinstance(computed, str):
        stored, computed = cut_around(stored, computed)
    return f"{format_value(stored)} is stored, {format_value(computed)} is computed from {TABLE}."


def format_value(value: Any) -> str:
    """A value of JSON, cut where it is long."""
    if value is MISSING:
        return str(value)
    text = f"{value:.12g}" if isinstance(value, float) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:79]}…"


def shorten(differences: list[str], place: str) -> tuple[str, ...]:
    """The first differences of a file, and how many more there are."""
    more = len(differences) - NAMED
    return (*differences[:NAMED], *([f"{place}: {more} more differ."] if more > 0 else []))


# ── pages ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def verify_pages(results: Path, root: Path) -> Verification:
    """The pages of the folder, and those published from it, as far as they are there."""
    folders = [results, *([root / PUBLISHED] if is_standard(results, root) else [])]
    verification = Verification()
    for path in [folder / file for folder in folders for file in PAGES]:
        if exists(path):
            text = read_text(path, f"`jaxpe report --results {results} --output {path.parent}` writes it again.")
            match = OPENS_IN.search(text)
            language = match[1] if match and match[1] in LANGUAGES else next(iter(LANGUAGES))
            page = render_page(results, path.name, language, Messages(), path.parent)
            verification = verification.join(compare_lines(str(path), text, page))
    return verification


def is_standard(results: Path, root: Path) -> bool:
    """Whether a folder holds the results that RESULTS.md and the published pages are made from."""
    return (root / STANDARD).resolve() == results.resolve()


def verify_results_page(results: Path, root: Path) -> Verification:
    """RESULTS.md and results/DATA.md, where they are made from this folder."""
    verification = Verification()
    if exists(root / RESULTS) and is_standard(results, root):
        verification = compare_lines(RESULTS, read_text(root / RESULTS), render_results(root))
    folders = [root / QUICK, root / STANDARD]
    if exists(root / DATA) and results.resolve() in [folder.resolve() for folder in folders]:
        computed = render_data_guide([folder for folder in folders if folder.is_dir()])
        verification = verification.join(compare_lines(DATA, read_text(root / DATA), computed))
    return verification


def verify_readme(results: Path, root: Path) -> Verification:
    """The generated blocks of README.md that are made from this folder."""
    if not exists(root / README):
        return Verification()
    verification = Verification()
    for match in BLOCK.finditer(read_text(root / README)):
        if results.resolve() in [source.resolve() for source in list_sources(match, root)]:
            verification = verification.join(compare_lines(README, match[0], fill_blocks(match[0], root)))
    return verification


def list_sources(block: re.Match[str], root: Path) -> list[Path]:
    """The results folders that a generated block is made from."""
    path = root / block["path"]
    match block["kind"]:
        case "table":
            return [path.parents[1]]
        case "text":
            return [folder.parent for folder in list_cell_folders(path, root)]
    return [path]


def compare_lines(name: str, stored: str, computed: str) -> Verification:
    """Two texts, line by line."""
    old, new = stored.splitlines(), computed.splitlines()
    differences, agreeing = list[str](), 0
    for tag, i, after_i, j, after_j in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            agreeing += after_i - i
            continue
        for number, pair in enumerate(zip_longest(old[i:after_i], new[j:after_j], fillvalue=""), i + 1):
            before, after = cut_around(*pair)
            differences.append(f"{name}, line {number}: {before!r} is written, {after!r} is made from the results.")
    return Verification(agreeing, shorten(differences, name))


def cut_around(old: str, new: str) -> tuple[str, str]:
    """Both texts from shortly before their first difference on, as far as a line can show."""
    same = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    first = max(0, same - 20)
    return old[first : first + 60], new[first : first + 60]
