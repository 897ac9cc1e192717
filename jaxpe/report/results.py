"""RESULTS.md: `python -m jaxpe.report.results` writes it and results/DATA.md, and renews the generated blocks of README.md.

`--figures` prints the figures that README.md, RESULTS.md and the pages of the committed results show.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from jaxpe.analysis.effects import MARGIN, SPEED_MARGIN
from jaxpe.records.experiment_folders import list_members
from jaxpe.records.files import write_text
from jaxpe.records.provenance import read_provenance
from jaxpe.report import findings, harm_findings, length_findings
from jaxpe.report.brief import read_stored
from jaxpe.report.claims import Entry, Key, list_headlines, read_all_claims
from jaxpe.report.data_guide import DATA, render_data_guide
from jaxpe.report.markdown import fill_blocks, make_claims, make_headlines, make_sentences, make_summary
from jaxpe.report.questions import list_questions
from jaxpe.report.sections import list_folders, read_section
from jaxpe.study.experiment import EXPERIMENTS

STANDARD, QUICK = "results/standard", "results"
RESULTS, README = "RESULTS.md", "README.md"
PUBLISHED = "docs"  # the folder of the published pages, made from the standard results
INTRODUCTION = f"""# Results

This page is generated from the tables in [{STANDARD}]({STANDARD}) by `python -m jaxpe.report.results`. All numbers are
computed from them. A table above 1 MB lies there as `table.csv.gz`; pandas reads both kinds.
`jaxpe plot --results {STANDARD}` draws the same results as an interactive page.

## How to read it

* A training run is repeated with several random seeds. `n` is the number of seeds, or of pairs of seeds, unless a note says
  otherwise. Fewer than ten seeds are exploratory; fewer than six decide no comparison of trained models. What must hold
  exactly, up to rounding, or concerns one published table, is computed and needs no seeds: there n may be smaller.
* Seeds are paired: every encoding sees the same batches and starts from the same weights. Intervals are 95 % intervals: for
  differences by a sign-flip test (exact up to 16 pairs, else {2**16:,} random flips), for shares of photographs and of verses by
  jackknife. They cover the choice of training seeds, not that of the test inputs, which moves a mean of the same models by up to
  .03 (512 inputs).
* A verdict comes from the claim's own interval, compared with what the claim names, otherwise with 0: "in most seeds" and
  "usually" mean one half. Where more than one interval decides, or a baseline is in the way, an undecided claim says why.
  `p (Holm)` is corrected for testing several claims that ask one question; verdicts are not corrected.
* *Helpful* and *harmful*: the interval of the effect lies on one side of 0 and reaches beyond ± {MARGIN:g} of accuracy
  (± {SPEED_MARGIN:g} in log₂ of training steps). *Harmless*: it lies within, or both models make hardly an error in any seed.
* N is the longest training length. Two baselines need no training: the length-only baseline knows only the length of the
  input, the order-blind baseline knows all symbols but neither their order nor which place of the answer it fills.
"""


class Section(NamedTuple):
    """A question of RESULTS.md: its title, its plain sentences, the experiments whose claims belong to it, its figures."""

    title: str
    sentences: tuple[str, ...]
    experiments: tuple[str, ...]
    figures: dict[str, str]  # EXPERIMENT/FIGURE -> what it shows


SECTIONS = (
    Section(
        "Does adding it do harm?",
        ("harm", "size"),
        ("harm",),
        {"harm/ratio": "token accuracy against the ratio of position to token, two tasks"},
    ),
    Section(
        "Where does it clearly help?",
        ("help",),
        ("accuracy",),
        {"accuracy/accuracy": "token accuracy at the longest training length, by task and encoding"},
    ),
    Section(
        "Can what was added be taken out again?",
        ("read", "inside"),
        ("extraction",),
        {"extraction/readers": "share of positions read from the sum, by reader and width"},
    ),
    Section(
        "Why does a position survive where a banana does not?",
        ("panda",),
        ("superposition",),
        {"superposition/bridge": "share of sums with both parts named, digits and token + position"},
    ),
    Section(
        "Do encoders learn local positions and decoders absolute ones?",
        (),
        ("structure",),
        {"structure/use": "loss added by changed positions, as a share of what position is worth"},
    ),
    Section(
        "What do published models hold?",
        (),
        ("pretrained",),
        {"pretrained/measures": "position tables of published models compared with random tables"},
    ),
    Section(
        "How far beyond the training lengths does it work?",
        ("ends",),
        ("extrapolation",),
        {
            "extrapolation/overview": "token accuracy of encoders against test length, two tasks",
            "extrapolation/length_curves": "token accuracy against test length, by task and architecture",
        },
    ),
    Section(
        "Which encoding generalizes to longer inputs?",
        (),
        ("catalogue", "randomized"),
        {"catalogue/map_copy_decoder": "copying in the decoder: token accuracy of every encoding by test length"},
    ),
    Section(
        "Does a published result come out here?",
        (),
        ("reproduction",),
        {"reproduction/copying": "copying beyond the training length, compared with published numbers"},
    ),
)


def render_results(root: Path) -> str:
    """RESULTS.md for the results under `root`."""
    folder = root / STANDARD
    claims, sentences = read_all_claims(list_folders(folder)), make_sentences(folder)
    edits = [f"**{edit.sentence}**\n" for edit in list_members(folder).find_edits()]
    parts = [INTRODUCTION, *edits, "## The claims\n", make_headlines(folder, STANDARD) + "\n"]
    for section in SECTIONS:
        parts.append(f"## {section.title}\n")
        paragraphs = [sentences[name] for name in section.sentences if name in sentences]
        paragraphs += [
            text for name in section.experiments for text in describe_experiment(name, folder, claims) if text
        ]
        paragraphs += [
            f"![{text}]({STANDARD}/{path})"
            for figure, text in section.figures.items()
            if (folder / (path := f"{figure.replace('/', '/figures/')}.svg")).is_file()
        ]
        paragraphs += [text for name in section.experiments if (text := list_all_claims(name, claims))]
        parts += [f"{text}\n" for text in paragraphs or ["Not run."]]
    further = [name for name in dict.fromkeys(name for name, _ in claims) if name not in EXPERIMENTS]
    parts += ["## Further experiments\n"] if further else []
    for name in further:
        question = read_provenance(folder / name).get("question", "")
        parts += [f"{text}\n" for text in (f"`{name}`: {question}", list_all_claims(name, claims))]
    return "\n".join(parts)


def describe_experiment(name: str, folder: Path, claims: Mapping[Key, Entry]) -> list[str]:
    """Paragraphs and tables about one experiment."""
    table = read_stored(folder / name)
    if table.empty:
        return []
    match name:
        case "harm":
            return harm_findings.describe_harm(table, claims)
        case "accuracy":
            return [findings.describe_twins(claims)]
        case "extraction":
            return [findings.tabulate_layers(table), findings.describe_text_probe(table)]
        case "superposition":
            return [findings.describe_sums(table, claims)]
        case "structure":
            return [findings.describe_use(claims)]
        case "pretrained":
            return [findings.tabulate_published(table, claims), findings.describe_word_order(claims)]
        case "extrapolation":
            return [
                length_findings.tabulate_lengths(table),
                length_findings.describe_training(read_provenance(folder / name)["preset"]),
                length_findings.describe_text_lengths(table),
            ]
        case "catalogue":
            return [length_findings.describe_catalogue(table), make_whole_table(folder / name / "summary.json")]
        case "randomized":
            return [length_findings.describe_random_positions(table, claims)]
        case "reproduction":
            return [length_findings.describe_reproduction(claims)]
    return []


def make_whole_table(summary: Path) -> str:
    """The summary of the catalogue, folded."""
    if not summary.is_file():
        return ""
    return f"<details><summary>The whole catalogue</summary>\n\n{make_summary(summary)}\n\n</details>"


def list_all_claims(experiment: str, claims: Mapping[Key, Entry]) -> str:
    """Every claim of an experiment, folded."""
    entries = [entry for (name, _), entry in claims.items() if name == experiment]
    title = (
        f"All {len(entries)} claims of `jaxpe run {experiment}`" if len(entries) > 1 else f"The claim of {experiment}"
    )
    return f"<details><summary>{title}</summary>\n\n{make_claims(entries)}\n\n</details>" if entries else ""


def list_shown_figures(root: Path) -> list[str]:
    """The figures that README.md, RESULTS.md and the first parts of the pages show, as paths below `root`."""
    texts = [(root / name).read_text(encoding="utf-8") for name in (README, RESULTS) if (root / name).is_file()]
    paths = {path for text in texts for path in re.findall(r"\]\(([^)\s]+\.svg)\)", text)}
    for name in (QUICK, STANDARD):
        folders = list_folders(root / name)
        claims = read_all_claims(folders)
        sections = [read_section(folder, claims) for folder in folders]
        drawings = {drawing.key: drawing for section in sections for drawing in section.figures}
        headlines = list_headlines(claims)
        questions = list_questions(sections, headlines, claims, drawings)
        shown = [
            drawings[headline.figure] for headline in headlines if headline.was_run and headline.figure in drawings
        ]
        shown += [drawing for question in questions for drawing in question.figures]
        paths |= {f"{name}/{drawing.path}" for drawing in shown}
    return sorted(paths)


def main() -> None:
    """Writes RESULTS.md, results/DATA.md and the blocks of README.md in the current folder, or prints the figures that are shown."""
    root = Path(".")
    if "--figures" in sys.argv[1:]:
        print("\n".join(list_shown_figures(root)))
        return
    write_text(root / RESULTS, render_results(root))
    write_text(root / DATA, render_data_guide([root / QUICK, root / STANDARD]))
    readme = root / README
    write_text(readme, fill_blocks(readme.read_text(encoding="utf-8"), root))


if __name__ == "__main__":
    main()
