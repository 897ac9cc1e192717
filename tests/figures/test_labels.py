"""What a figure shows under a label: every line, point and column against the rows of its full description."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PathCollection

from jaxpe.figures import accuracy, extrapolation, randomized
from jaxpe.study.tables import select_rows

LENGTHS, SEEDS = (4, 8, 16), range(3)
BASELINES = {"length_baseline": ("length-only", 0.11), "order_blind_baseline": ("order-blind", 0.27)}


def make_table(**columns):
    """A row for every combination of the columns, lengths and seeds, each with a value of its own."""
    generator = np.random.default_rng(0)
    rows = [{}]
    columns |= {"test_length": [float(n) for n in LENGTHS], "seed": list(SEEDS)}
    for name, values in columns.items():
        rows = [row | {name: value} for row in rows for value in values]
    shared = {
        "train_length": 8.0,
        "learning_rate": 0.003,
        "n_examples": 64.0,
        "test_positions": "arange",
        "steps": 100.0,
    }
    shared |= {name: value for name, (_, value) in BASELINES.items()}
    return pd.DataFrame([{"positions": "arange"} | shared | row | {"value": generator.random()} for row in rows])


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


def find_panel(figure, *words):
    """The panel whose title has all words."""
    [axis] = [axis for axis in figure.axes if all(word in axis.get_title() for word in words)]
    return axis


def read_lines(axis):
    """The lines of a panel by label: {x: y}."""
    return {
        str(line.get_label()): dict(zip(line.get_xdata(), line.get_ydata(), strict=True))
        for line in axis.get_lines()
        if not str(line.get_label()).startswith("_")
    }


def read_points(axis):
    """All points of a panel, as they are; not the short lines of baselines."""
    scatters = [collection for collection in axis.collections if isinstance(collection, PathCollection)]
    return [tuple(point) for scatter in scatters for point in np.asarray(scatter.get_offsets()).tolist()]


def average(rows, column="test_length"):
    return rows.groupby(column)["value"].mean().to_dict()


def assert_lines(lines, expected):
    for label, values in expected.items():
        assert lines[label] == pytest.approx(values), label


def assert_baselines(lines):
    for words, value in BASELINES.values():
        [label] = [label for label in lines if words in label]
        assert set(lines[label].values()) == {value}


def test_length_curves_are_means_over_the_seeds_of_their_encoding():
    """Two tasks, both architectures, two samplers; the other metrics and variants appear nowhere."""
    table = make_table(
        task=["reverse", "copy"], architecture=["encoder", "decoder"], encoding=["learned", "none"],
        positions=["arange", "offset"], metric=["token_accuracy", "exact_match"], variant=["plain", "length_scaled"],
    )  # fmt: skip
    figure = extrapolation.draw_length_curves(table, [("reverse", "encoder"), ("copy", "decoder")])
    for task, architecture in (("reverse", "encoder"), ("copy", "decoder")):
        axis = find_panel(figure, task, architecture)
        where = {"task": task, "architecture": architecture, "metric": "token_accuracy", "variant": "plain"}
        part, lines = select_rows(table, **where), read_lines(axis)
        expected = {
            name if positions == "arange" else f"{name} + {positions}": average(rows)
            for (name, positions), rows in part.groupby(["encoding", "positions"])
        }
        assert_lines(lines, expected)
        assert set(lines) - set(expected) == {label for label in lines if "baseline" in label or "rule" in label}
        assert_baselines(lines)
        drawn = {(x, round(y, 9)) for x, y in read_points(axis)}
        assert drawn == {(row.test_length, round(row.value, 9)) for row in part.itertuples()}


VARIANTS = {  # label: variant, metric
    "token accuracy": ("plain", "token_accuracy"),
    "token accuracy, logits × log n / log N": ("length_scaled", "token_accuracy"),
    "exact match": ("plain", "exact_match"),
    "exact match given the length": ("plain", "exact_match_given_length"),
}
MARKED = {"25 %": "steps_25", "50 %": "steps_50", "shifted": "shifted"}


def test_variants_of_a_length_curve_have_their_own_labels():
    metrics = ["token_accuracy", "exact_match", "exact_match_given_length"]
    variants = ["plain", "length_scaled", "steps_25", "steps_50", "shifted"]
    table = make_table(
        task=["reverse"], architecture=["encoder"], encoding=["learned", "none"], metric=metrics, variant=variants
    )
    figure = extrapolation.draw_variants(table, "reverse", "encoder")
    for name in ("learned", "none"):
        axis, part = find_panel(figure, name), select_rows(table, encoding=name)
        expected = {
            label: average(select_rows(part, variant=variant, metric=metric))
            for label, (variant, metric) in VARIANTS.items()
        }
        assert_lines(read_lines(axis), expected)
        for word, variant in MARKED.items():
            [points] = [points for points in axis.collections if word in str(points.get_label())]
            shown = dict(np.asarray(points.get_offsets()).tolist())
            assert shown == pytest.approx(average(select_rows(part, variant=variant, metric="token_accuracy")))


def test_a_column_holds_the_seeds_of_its_encoding_at_the_longest_length():
    table = make_table(
        task=["reverse", "index"], architecture=["encoder"], encoding=["learned", "none", "sinusoidal"],
        metric=["token_accuracy", "exact_match"],
    )  # fmt: skip
    figure = accuracy.draw_accuracy(table, [("reverse", "encoder"), ("index", "encoder")])
    for task in ("reverse", "index"):
        axis = find_panel(figure, task)
        names = [text.get_text() for text in axis.get_xticklabels()]
        part = select_rows(table, task=task, metric="token_accuracy", test_length=16.0)
        for place, name in enumerate(names):
            column = sorted(round(y, 9) for x, y in read_points(axis) if abs(x - place) < 0.3)
            assert column == sorted(round(value, 9) for value in part[part["encoding"] == name]["value"]), name


def test_steps_that_were_never_reached_are_drawn_at_the_last_step():
    table = make_table(task=["reverse"], architecture=["encoder"], encoding=["learned", "none"], metric=["steps_to_95"])
    table = table[table["test_length"] == 4].assign(value=lambda rows: np.round(10 + 50 * rows["value"]))
    table.loc[(table["encoding"] == "none") & (table["seed"] == 1), "value"] = np.nan
    [axis] = accuracy.draw_steps(table, [("reverse", "encoder")]).axes
    names = [text.get_text() for text in axis.get_xticklabels()]
    for place, name in enumerate(names):
        column = sorted(y for x, y in read_points(axis) if abs(x - place) < 0.3)
        assert column == sorted(table[table["encoding"] == name]["value"].fillna(100.0))


def test_lines_of_random_positions_have_the_label_of_their_variant():
    table = make_table(
        task=["reverse", "sort"], encoding=["learned", "rotary"], architecture=["encoder"],
        metric=["token_accuracy", "exact_match"], variant=["plain", "randomized", "spread"],
    )  # fmt: skip
    figure = randomized.draw_curves_of("rotary", table)
    for task in ("reverse", "sort"):
        lines = read_lines(find_panel(figure, task))
        for variant in randomized.VARIANTS:
            label = f"positions {randomized.VARIANTS[variant]}"
            part = select_rows(table, task=task, encoding="rotary", variant=variant, metric="token_accuracy")
            assert lines[label] == pytest.approx(average(part)), label
    assert len(set(randomized.VARIANTS.values())) == 3


def test_the_gain_of_random_positions_is_that_of_its_task_and_encoding():
    """Randomized minus plain at the one length beyond N, by seed."""
    table = make_table(
        task=["reverse", "sort"], encoding=["learned", "rotary"], architecture=["encoder"], metric=["token_accuracy"],
        variant=["plain", "randomized", "spread"],
    )  # fmt: skip
    [axis] = randomized.draw_gain(table).axes
    tasks = [text.get_text().replace("\n", "_") for text in axis.get_xticklabels()]
    beyond = select_rows(table, test_length=16.0)
    for name in ("learned", "rotary"):
        points = [p for group in axis.collections if group.get_label() == name for p in group.get_offsets().tolist()]
        for place, task in enumerate(tasks):
            drawn = sorted(y for x, y in points if abs(x - place) < 0.4)
            a, b = (
                select_rows(beyond, task=task, encoding=name, variant=variant).set_index("seed")["value"]
                for variant in ("randomized", "plain")
            )
            assert drawn == pytest.approx(sorted(a - b))


def test_the_share_seen_in_training_is_that_of_its_task():
    table = make_table(task=["reverse", "copy"], architecture=["any"], encoding=["any"], metric=["seen_in_training"])
    table = table[table["seed"] == 0]
    [axis] = accuracy.draw_overlap(table).axes
    lines = read_lines(axis)
    assert_lines(lines, {task: average(select_rows(table, task=task)) for task in ("reverse", "copy")})
