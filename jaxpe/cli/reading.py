"""The commands that read stored results and train nothing. Each imports what it needs when it is called, as in `commands`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import arg

from jaxpe.cli.options import (
    OPTIONS,
    ArchitectureName,
    EncodingName,
    ExperimentName,
    SamplerName,
    Switch,
    TableOptions,
    TaskName,
    describe_option,
)


def plot(
    experiments: Annotated[tuple[ExperimentName, ...], describe_option("all in the folder", "[EXPERIMENT ...]")] = (),
    /,
    results: Path = Path("results"),
    for_: Annotated[Literal["web", "paper", "talk"], arg(name="for")] = "web",
    font: Annotated[str, describe_option("DejaVu Sans", "FAMILY")] = "",
    width: Annotated[str, describe_option("column or, where panels need it, text", "INCHES|column|text")] = "",
) -> int:
    """Redraw figures, claims and the report from stored tables. Nothing is trained.

    Args:
        experiments: Experiments to redraw.
        results: Results folder.
        for_: Medium. Figures for paper (PDF) and talk (16:9) go to folders of these names in RESULTS/EXPERIMENT/figures.
        font: Font family of figures for paper, one that the system has. All text has 8 points.
        width: Width of figures for paper: a column (3.25 in), the text of a page (6.75 in), or inches.
    """
    from jaxpe.cli.plot import choose_medium, redraw_results

    return redraw_results(experiments, results, choose_medium(for_, font, width))


def report(
    results: Path = Path("results"),
    language: Literal["en", "ja"] = "en",
    output: Annotated[Path | None, describe_option("RESULTS", "PATH")] = None,
) -> int:
    """Rebuild the article and the workbench from stored tables, claims and figures. Nothing is trained.

    Args:
        results: Results folder.
        language: Language that the pages open in. They can switch between both.
        output: Folder for the pages, to publish them.
    """
    from jaxpe.cli.plot import rebuild_report

    return rebuild_report(results, language, output or results)


def compare(
    folders: Annotated[tuple[str, ...], describe_option("required", "FOLDER ...")],
    /,
    output: Path = Path("compare"),
    json: Switch = False,
) -> int:
    """Compare results folders, or single experiments in them. Nothing is trained.

    Args:
        folders: Two or more of: FOLDER, FOLDER/EXPERIMENT, FOLDER/EXPERIMENT:ENCODING.
        output: Folder for the page and the table of the comparison.
        json: Print the comparison as JSON.
    """
    from jaxpe.cli.compare import compare_folders

    return compare_folders(folders, output, json)


def table(
    results: Annotated[Path, arg(metavar="RESULTS")],
    experiment: Annotated[str, describe_option("the only one in the folder", "[EXPERIMENT]")] = "",
    /,
    *,
    options: Annotated[TableOptions, OPTIONS],
) -> int:
    """Print a table for a paper: means over seeds with 95 % intervals, a row for each encoding. Nothing is trained.

    Args:
        results: Results folder.
        experiment: Experiment in it.
    """
    from jaxpe.cli.table import print_table

    return print_table(results, experiment, options)


def verify(
    results: Annotated[Path, arg(metavar="RESULTS")],
    /,
    experiments: Annotated[tuple[str, ...], describe_option(values="FILE ...")] = (),
) -> int:
    """Compute the numbers of a results folder again and compare: claims with tables, tables with runs, pages with both.

    Nothing is trained or written. RESULTS.md and README.md of the current folder are compared where they show this folder.
    Ends with exit code 3 where anything differs.

    Args:
        results: Results folder.
        experiments: Files of your own experiments, path/to/mine.py, that did not run here: what a folder names is not loaded.
    """
    from jaxpe.cli.verify import verify_folder

    return verify_folder(results, experiments)


def status(results: Annotated[Path, arg(metavar="RESULTS")], /, json: Switch = False) -> int:
    """Show which processes work on a results folder, and what it holds. Nothing is trained.

    Several processes, on one machine or on many that share the folder, may run the same command: each round of training is done
    by one of them. A process that gives no sign for half a minute is stale, and another one takes over its round. Ends with exit
    code 3 where a training diverged or failed, or a stored run is damaged.

    Args:
        results: Results folder.
        json: Print the status as JSON.
    """
    from jaxpe.cli.status import print_status

    return print_status(results, json)


def evaluate(
    results: Annotated[Path, arg(metavar="RESULTS")],
    /,
    lengths: Annotated[tuple[int, ...], describe_option("required", "INT ...")] = (),
    tasks: Annotated[tuple[TaskName, ...], describe_option("all", "TASK ...")] = (),
    encodings: Annotated[tuple[EncodingName, ...], describe_option("all", "ENCODING ...")] = (),
    architectures: Annotated[tuple[ArchitectureName, ...], describe_option("all", "ARCHITECTURE ...")] = (),
    seeds: Annotated[str | None, describe_option("all", "N or FIRST-LAST")] = None,
    sampler: Annotated[SamplerName | None, describe_option("that of training")] = None,
    shift: int = 0,
    examples: int = 512,
    output: Annotated[Path | None, describe_option("none", "PATH")] = None,
    json: Switch = False,
) -> int:
    """Test stored models at other lengths or positions. Nothing is trained; what was measured before is not measured again.

    Args:
        results: Results folder of the runs.
        lengths: Lengths of the inputs: symbols of a task, or tokens of text.
        tasks: Tasks of the runs.
        encodings: Encodings of the runs; one of your own also by its class name.
        architectures: Architectures of the runs.
        seeds: Number of seeds, from 0 on, or the first and the last of them, as 3-5.
        sampler: Position sampler of the test.
        shift: Number that is added to the positions 0, 1, 2, …
        examples: Number of test examples at each length.
        output: File for the table of all runs, as CSV.
        json: Print means, intervals and baselines as JSON.
    """
    from jaxpe.cli.evaluate import evaluate_runs
    from jaxpe.cli.overrides import list_seeds
    from jaxpe.study.scores import EvaluationConfig

    filters = {"task": tasks, "encoding": encodings, "architecture": architectures, "seed": list_seeds(seeds)}
    evaluation = EvaluationConfig(shift=shift, sampler=sampler)
    return evaluate_runs(results, filters, lengths, examples, evaluation, output, json)
