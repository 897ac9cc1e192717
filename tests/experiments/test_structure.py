"""The verdicts of structure follow the rows of its table."""

import pandas as pd
import pytest
from language_runs import PRESET, train_runs

from jaxpe.records.results import open_results
from jaxpe.study import experiment
from jaxpe.study.workspace import Workspace

MODULE = experiment.load_experiment("structure").module
COLUMNS = {"encoding": "learned", "positions": "arange", "starts": "packed", "corpus": "kjv", "metric": "cost"}
LOCAL, ABSOLUTE = {"shift": 0.0, "shuffle": 0.6, "permute": 0.2}, {"shift": 0.7, "shuffle": 0.2, "permute": 0.6}


def make_costs(task, costs, whole=1.0, seeds=10, **columns):
    """Costs of changed positions for several seeds; `whole`: that of one position for all tokens."""
    return [
        COLUMNS | columns | {"task": task, "seed": seed, "condition": kind, "size": size, "value": value + 0.01 * seed}
        for seed in range(seeds)
        for kind, size, value in [*((kind, 8, cost) for kind, cost in costs.items()), ("one id", 0, whole)]
    ]  # fmt: skip


def make_chain(local, absolute, **columns):
    """Costs of all four objectives: masked ones, and those that predict the next token."""
    chain = MODULE.CHAIN
    costs = dict.fromkeys(chain[:2], local) | dict.fromkeys(chain[2:], absolute)
    return [row for task, values in costs.items() for row in make_costs(task, values, **columns)]


def judge(rows):
    """The verdict of every claim, by its id."""
    return {result.id: result.verdict for result in MODULE.claims(pd.DataFrame(rows))}


def test_verdicts_on_use_follow_the_rows():
    verdicts = judge(make_chain(LOCAL, ABSOLUTE))
    assert verdicts["C4"] == verdicts["C4.shift8"] == verdicts["C4.decoder-absolute"] == "supported"
    assert verdicts["C4.encoder-absolute"] == verdicts["C4.encoder-absolute-8"] == "contradicted"
    assert (verdicts["C4.encoder-local"], verdicts["C4.decoder-local"]) == ("supported", "contradicted")
    assert (verdicts["C4.objective"], verdicts["C4.mask"]) == ("supported", "undecided")
    reversed_ = judge(make_chain(ABSOLUTE, LOCAL))
    assert (reversed_["C4"], reversed_["C4.encoder-absolute"]) == ("contradicted", "supported")
    assert judge(make_chain(LOCAL, ABSOLUTE, seeds=5))["C4"] == "undecided"


@pytest.mark.parametrize(
    ("part", "columns"),
    [("offset", {"positions": "offset"}), ("document", {"starts": "document"}), ("second", {"corpus": "wordnet"})],
)
def test_other_conditions_have_verdicts_of_their_own(part, columns):
    rows = make_chain(LOCAL, LOCAL) + make_chain(LOCAL, ABSOLUTE, **columns)
    verdicts = judge(rows)
    assert verdicts["C4"] == "undecided" and verdicts[f"C4.{part}"] == "supported"
    assert verdicts[f"C4.{part}-encoder-absolute"] == "contradicted"
    assert verdicts[f"C4.{part}-decoder-absolute"] == "supported"
    assert verdicts[f"C4.{part}-decoder-local"] == "contradicted"
    others = {"offset", "document", "second"} - {part}
    assert not any(name.startswith(f"C4.{other}") for name in verdicts for other in others)


def test_models_that_do_not_use_position_have_no_verdict():
    assert "C4" not in judge(make_chain(ABSOLUTE, ABSOLUTE, whole=-0.2))
    assert "C4" not in judge(make_costs("masked_lm", ABSOLUTE, encoding="none"))


def test_verdicts_on_recovery_follow_the_rows():
    base = {"task": "causal_lm", "encoding": "none", "positions": "arange", "part": "", "layer": 1.0}
    probe = base | {"target": "position", "metric": "probe_error"}

    def make_rows(columns, column, values):
        return [
            columns | {column: name, "seed": seed, "value": value + seed / 1000}
            for name, value in values.items()
            for seed in range(8)
        ]

    rows = make_rows(probe, "network", {"trained": 0.2, "untrained": 0.6})
    rows += make_rows(probe | {"layer": 2.0}, "network", {"trained": 0.2, "untrained": 0.6})
    removed = base | {"metric": "projected_out", "network": "trained"}
    verdicts = judge(rows + make_rows(removed, "part", {"position": 0.3, "random": 0.1}))
    assert verdicts["C9"] == verdicts["C9.layer2"] == verdicts["C9.uses"] == "supported"
    assert judge(rows + make_rows(removed, "part", {"position": 0.1, "random": 0.3}))["C9.uses"] == "contradicted"
    other = {"trained": "untrained", "untrained": "trained"}
    assert judge([row | {"network": other[row["network"]]} for row in rows])["C9"] == "contradicted"


@pytest.mark.parametrize(("gap", "verdict"), [(1e-7, "supported"), (0.3, "contradicted")])
def test_the_verdict_on_blindness_to_order_follows_the_rows(gap, verdict):
    columns = {"task": "masked_lm", "encoding": "none", "metric": "order_gap", "network": "trained"}
    rows = [columns | {"positions": "arange", "layer": None, "seed": seed, "value": gap} for seed in range(6)]
    assert judge(rows) == {"C9.equivariant": verdict}


def test_verdicts_on_a_linear_shift_follow_the_rows():
    base = {"task": "causal_lm", "encoding": "learned", "positions": "offset", "rows": 193, "width": 64}
    base |= {"metric": "shift_residual_1"}
    control = {"task": "controls", "encoding": "control:gaussian"}
    rows = [
        base | columns | {"seed": seed, "value": value + seed / 1000}
        for columns, value in (({}, 0.2), (control, 1.0))
        for seed in range(6)
    ]
    assert judge(rows) == {"C1.learned": "supported"}
    assert judge([row | {"value": 1.0 + (row["seed"] % 2) / 100} for row in rows]) == {"C1.learned": "undecided"}
    for residual, verdict in ((1e-30, "supported"), (1e-3, "contradicted")):
        assert judge([base | {"metric": "rotation_residual", "value": residual}]) == {"C1": verdict}


def test_the_standard_preset_separates_mask_objective_and_predictions():
    grid = MODULE.PRESETS["standard"].grid
    seeds = {(row.task, row.encodings, row.positions): row.overrides.get("seeds") for row in grid[:4]}
    assert seeds["masked_lm", ("learned",), ("arange",)] == seeds["sampled_causal_lm", ("learned",), ("arange",)] == 10
    assert {row.task for row in grid if row.encodings == ("learned",)} == {*MODULE.CHAIN, "reverse"}
    assert all(row.overrides.get("seeds", 10) >= 6 for row in grid), "fewer than six seeds can give no verdict"


@pytest.mark.slow
def test_runs_without_any_encoding_have_figures_and_claim_nothing_about_use(tmp_path):
    workspace = Workspace(open_results(tmp_path / "results", write=True))
    runs = train_runs(workspace, "masked_lm", "none")
    table = pd.DataFrame(MODULE.measure(workspace, runs, PRESET))
    figures, results = MODULE.figures(table), {result.id: result for result in MODULE.claims(table)}
    assert {"use", "costs", "layers", "head_scores_none"} <= set(figures) and "measures" not in figures
    assert {name: result.verdict for name, result in results.items()} == {"C9.equivariant": "supported"}
    assert MODULE.answers(table, results) == []
