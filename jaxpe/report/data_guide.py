"""results/DATA.md: what every column and metric of the committed tables means. `python -m jaxpe.report.results` writes it.

Meanings, units and ranges are those of `jaxpe.report.definitions`; which experiments have a column or a metric, and whether its
rows are of single seeds or means over them, is read from the tables.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

from jaxpe.errors import UserError
from jaxpe.report.definitions import Definition, list_plain_entries, read_definitions
from jaxpe.report.markdown import make_table
from jaxpe.report.sections import list_folders
from jaxpe.report.tables import read_tables
from jaxpe.study.tables import OWN_RATE, VALIDATION_LOSS

DATA = "results/DATA.md"
RECIPE = f"""import pandas

table = pandas.read_csv("results/standard/extrapolation/table.csv.gz", keep_default_na=False, na_values=[""])
kept = "encoding != 'any' and metric not in ['{OWN_RATE}', '{VALIDATION_LOSS}'] and variant == 'plain'"
plain = table.dropna(subset="seed").query(kept)
means = plain.groupby(["task", "architecture", "encoding", "positions", "test_length", "metric"])["value"].mean()"""
INTRODUCTION = f"""# The tables

This page is generated from `jaxpe/report/definitions.json` and the tables in `results` and `results/standard` by
`python -m jaxpe.report.results`. Every experiment writes one table, `table.csv`; above 1 MB it is committed as `table.csv.gz`.
A row is one value of one metric. An entry that does not apply is empty: read tables so that only an empty entry is missing, since
an encoding is called `none`.

## Kinds of rows

* **Results of single seeds** have a `seed`.
* **Means over seeds** have none. They stand where single seeds would make a table too large, and must not be mixed with seeds.
* **Rows that hold for every encoding** have `any` as their encoding, and are of no model.
* **Records of tuning** have the metric `{OWN_RATE}` or `{VALIDATION_LOSS}`. Where a table has them, its results exist at two
  learning rates: the common one, which the rows of `{OWN_RATE}` have in `learning_rate`, and the one in their `value`. Keep one of
  them; `jaxpe.study.tables.select_rate` does so. No committed table has such rows.
* **Changed models and tests** say what was changed in a further column: {{plain}}.

Plain results of one experiment, and their means:

```python
{RECIPE}
```

`jaxpe table` makes the same selection, and prints it for a paper.
"""


def render_data_guide(results: Iterable[Path]) -> str:
    """DATA.md for the tables of some results folders. Raises UserError for a column or a metric that is not defined."""
    tables = [pair for folder in results for pair in read_tables(list_folders(folder)).items()]
    definitions = read_definitions()
    columns, metrics = defaultdict[str, dict[str, None]](dict), defaultdict[str, dict[str, None]](dict)
    kinds = defaultdict[str, set[bool]](set)
    for name, table in tables:
        for column in table:
            if table[column].notna().any():
                columns[column][name] = None
        for metric, seeds in table.groupby("metric", sort=False)["seed"]:
            metrics[str(metric)][name] = None
            kinds[str(metric)] |= set(seeds.notna())
    parts = [
        INTRODUCTION.replace("{plain}", describe_plain_entries()),
        "## Columns\n",
        make_rows(definitions["columns"], columns),
        "\n## Metrics\n",
        make_rows(definitions["metrics"], metrics, {name: describe_kinds(kind) for name, kind in kinds.items()}),
    ]
    return "\n".join(parts) + "\n"


def make_rows(
    definitions: Mapping[str, Definition],
    used: Mapping[str, Iterable[str]],
    kinds: Mapping[str, str] | None = None,
) -> str:
    """A table of definitions in their order, those that no table uses last. `kinds`: of the rows of each name."""
    for name in used:
        if name not in definitions:
            raise UserError(f"jaxpe/report/definitions.json does not define {name!r}: add its meaning, unit and range.")
    names = [name for name in definitions if name in used]
    names += [name for name in definitions if name not in used]
    everywhere = max((len(list(experiments)) for experiments in used.values()), default=0)
    lines = [
        [
            f"`{name}`", definitions[name]["meaning"], definitions[name]["unit"], definitions[name]["range"],
            describe_experiments(used.get(name, ()), everywhere),
            *([] if kinds is None else [kinds.get(name, "")]),
        ]
        for name in names
    ]  # fmt: skip
    return make_table(["name", "meaning", "unit", "range", "experiments", *([] if kinds is None else ["rows"])], lines)


def describe_experiments(names: Iterable[str], everywhere: int) -> str:
    """The experiments that have a name; "all" where it is in as many tables as any."""
    names = list(names)
    return "all" if len(names) == everywhere else ", ".join(names) or "no committed table"


def describe_kinds(has_seed: set[bool]) -> str:
    """Whether rows are of seeds (True), means over them (False), or both."""
    return "seeds and means" if len(has_seed) == 2 else "seeds" if has_seed == {True} else "means"


def describe_plain_entries() -> str:
    """'`variant` (plain: `plain`), `tested_with` (plain: empty)', …"""
    entries = {
        name: " or ".join(f"`{one}`" if one else "empty" for one in plain)
        for name, plain in list_plain_entries().items()
    }
    return ", ".join(f"`{name}` (unchanged: {plain})" for name, plain in entries.items())
