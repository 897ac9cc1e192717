"""Every committed claim against a second implementation: of its statistics, and where it has one cell of its selection."""

import math
import re
import sys
from contextlib import contextmanager
from functools import cache

import numpy as np
import pytest
from records import independent_statistics as independent
from support import ROOT

from jaxpe.analysis import photographs, ranking, word_order
from jaxpe.records import statistics
from jaxpe.records.csv_tables import read_table
from jaxpe.report.claims import read_all_claims
from jaxpe.report.redraw import judge_claims
from jaxpe.report.sections import list_folders
from jaxpe.study.experiment import load_experiment

FOLDERS = sorted(path.parent.relative_to(ROOT).as_posix() for path in ROOT.glob("results/**/claims.json"))
MANY = 16  # pairs, above which jaxpe draws sign patterns at random
DRAWN = 0.006  # how far a share of 2¹⁶ drawn patterns may be from another such share


def estimate_solved_share(values, criterion=statistics.SOLVED_SCORE):
    return independent.estimate_share(sum(float(value) >= criterion for value in values), len(values))


def estimate_mean(values, criterion=statistics.SOLVED_SCORE):
    return independent.estimate_mean([float(value) for value in values], criterion)


def estimate_agreement(scores, task):
    ranks = [-ranking.get_rank(task, name) for name in scores]
    values = list(scores.values())
    if len(values) < 3:
        return None
    return independent.compute_tau(ranks, values), None, None, len(values), independent.compute_tau_p(ranks, values)


def estimate_over_photographs(first, second, values):
    return independent.estimate_pairs(list(first), list(second), [float(value) for value in values])


SECOND = {  # each function that estimates, and the same from the formula
    statistics.estimate_difference: independent.estimate_difference,
    statistics.estimate_solved_share: estimate_solved_share,
    statistics.estimate_mean: estimate_mean,
    statistics.estimate_interquartile_mean: lambda scores: independent.estimate_middle(scores.tolist()),
    ranking.estimate_agreement: estimate_agreement,
    photographs.estimate_over_photographs: estimate_over_photographs,
    word_order.estimate_share: lambda part, whole: independent.estimate_ratio(part.tolist(), whole.tolist()),
}


@contextmanager
def record_calls():
    """Every call of a function that estimates, with its result, from whichever module it is made."""
    calls, replaced = [], []

    def wrap(function):
        def record(*arguments, **more):
            result = function(*arguments, **more)
            calls.append((function, arguments, more, result))
            return result

        return record

    wrappers = {function: wrap(function) for function in SECOND}
    for module in [module for name, module in sys.modules.items() if name.startswith("jaxpe")]:
        for name, value in list(vars(module).items()):
            if callable(value) and getattr(value, "__hash__", None) and value in wrappers:
                replaced.append((module, name, value))
                setattr(module, name, wrappers[value])
    try:
        yield calls
    finally:
        for module, name, value in replaced:
            setattr(module, name, value)


@cache
def judge(folder):
    """The results of an experiment's claims from its committed table, and the estimates on the way."""
    experiment = load_experiment(folder.rpartition("/")[2])
    with record_calls() as calls:
        results = judge_claims(experiment, read_table(ROOT / folder / "table.csv"))
    return results, calls


def assert_same(estimate, expected):
    """Value, low, high, n and p."""
    assert (estimate is None) == (expected is None)
    if estimate is not None:
        mine = (estimate.value, estimate.low, estimate.high, estimate.n, estimate.p)
        for one, other in zip(mine, expected, strict=True):
            assert (one is None) == (other is None), (mine, expected)
            assert one is None or math.isclose(one, other, rel_tol=1e-7, abs_tol=1e-9), (mine, expected)


def assert_similar(estimate, a, b):
    """Of many pairs: by other drawn sign patterns, p and the p at both ends of the interval."""
    differences = np.asarray(a, float) - np.asarray(b, float)
    signs = np.random.default_rng(1).choice((1.0, -1.0), (2**16, len(differences)))

    def draw_p(shift):
        shifted = differences - shift
        return float((np.abs(signs @ shifted) >= abs(shifted.sum()) - 1e-12).mean())

    assert estimate.n == len(differences) and estimate.value == pytest.approx(math.fsum(differences) / len(differences))
    assert estimate.p == pytest.approx(draw_p(0.0), abs=DRAWN)
    assert [draw_p(edge) for edge in (estimate.low, estimate.high)] == pytest.approx([0.05, 0.05], abs=DRAWN)


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_estimate_of_a_committed_claim_is_the_same_from_its_formula(folder):
    results, calls = judge(folder)
    for function, arguments, more, result in calls:
        if function is statistics.estimate_difference and len(arguments[0]) > MANY:
            assert_similar(result, *arguments)
        else:
            assert_same(result, SECOND[function](*arguments, **more))
    recorded = {id(result) for *_, result in calls}
    for result in results:
        estimate = result.estimate
        if estimate is not None and estimate.low is not None and id(estimate) not in recorded:  # a share of examples
            assert_same(estimate, independent.estimate_share(round(estimate.value * estimate.n), estimate.n))


@pytest.mark.parametrize("results", ["results", "results/standard"])
def test_p_values_are_adjusted_over_the_families_of_all_experiments(results):
    """Every committed claim of jaxpe with a p-value, grouped by its family."""
    families = {}
    for (experiment, name), entry in read_all_claims(list_folders(ROOT / results)).items():
        if entry["p"] is not None:
            families.setdefault(entry["family"], {})[experiment, name] = (entry["p"], entry["adjusted_p"])
    assert families["primary"]
    for family in families.values():
        first, second = zip(*family.values(), strict=True)
        assert second == pytest.approx(independent.adjust(first))


def test_there_are_enough_claims_to_mean_something():
    counts = [len(judge(folder)[0]) for folder in FOLDERS]
    assert sum(counts) >= 150 and len(FOLDERS) >= 20


# ── an independent selection ────────────────────────────────────────────────────────────────────────────────────────

PLAIN = {"architecture": "encoder", "metric": "token_accuracy", "positions": "arange", "test_positions": "arange"}


def select_gain(rows, task, length=None, encoding="sinusoidal", **columns):
    """Token accuracy of the encoder with an encoding and with none, by seed; over all lengths, or at one."""
    where = PLAIN | {"task": task} | columns | ({} if length is None else {"test_length": length})
    return [independent.average(independent.select(rows, **where, encoding=name)) for name in (encoding, "none")]


def select_help(rows, claim):
    """C8: the gain on `index` minus the gain on `count`, at the common learning rate."""
    rates = {float(row["learning_rate"]) for row in rows if row["task"] in ("index", "count") and row["learning_rate"]}
    assert len(rates) == 1
    gains = []
    for task in ("index", "count"):
        a, b = select_gain(rows, task)
        gains.append({seed: a[seed] - b[seed] for seed in set(a) & set(b)})
    return independent.pair(*gains)


def select_harm(rows, claim):
    """C5 and C5.TASK-WHERE-ENCODING: at N, or at 2 N, in the plain model of the usual width."""
    task, where, encoding = (claim.partition(".")[2] or "count-beyond-sinusoidal").rsplit("-", 2)
    plain = independent.select(rows, **PLAIN, task=task, sweep="none")
    width, n = (min(float(row[name]) for row in plain) for name in ("width", "train_length"))
    return independent.pair(*select_gain(plain, task, n * {"seen": 1, "beyond": 2}[where], encoding, width=width))


def select_beyond(rows, claim):
    """C3: `reverse` with sinusoids at 2 N, and the order-blind baseline there."""
    where = PLAIN | {"task": "reverse", "encoding": "sinusoidal", "variant": "plain"}
    n = min(float(row["train_length"]) for row in independent.select(rows, **where))
    part = independent.select(rows, **where, test_length=2 * n)
    return independent.pair(independent.average(part), independent.average(part, "order_blind_baseline"))


def select_copying(rows, claim):
    """C10: exact match with learned positions from a random start, and with none, from N + 1 to 2 N or from there to 3 N."""
    layers, heads, width, reach = (claim.partition(".")[2] or "4-1-64-2n").split("-")
    where = {"metric": "exact_match", "layers": int(layers), "heads": int(heads), "width": int(width)}
    part = independent.select(rows, **where, range={"2n": "to 2 N", "3n": "to 3 N"}[reach])
    learned = independent.select(part, encoding="learned", positions="offset", test_positions="arange")
    return independent.pair(
        independent.average(learned), independent.average(independent.select(part, encoding="none"))
    )


SELECTIONS = {  # by the experiment and the beginning of a claim's id
    ("accuracy", "C8"): select_help,
    ("harm", "C5"): select_harm,
    ("extrapolation", "C3"): select_beyond,
    ("reproduction", "C10"): select_copying,
}
ONE_CELL = re.compile(r"C8|C3|C10.*|C5(\.\w+-(seen|beyond)-sinusoidal)?")  # other parts pair more than two cells
CASES = [
    (folder, claim, selection)
    for folder in FOLDERS
    for (experiment, claim), selection in SELECTIONS.items()
    if folder.endswith(f"/{experiment}")
]


@pytest.mark.parametrize(("folder", "claim", "selection"), CASES, ids=[f"{case[0]}-{case[1]}" for case in CASES])
def test_the_cells_of_a_paired_difference_are_selected_by_loops(folder, claim, selection):
    """Effect, interval, n and p of the claim and its parts from the rows of the committed table, read without the package."""
    results = [
        one for one in judge(folder)[0] if one.id.partition(".")[0] == claim and ONE_CELL.fullmatch(one.id) and one.n
    ]
    rows = independent.read_rows(ROOT / folder / "table.csv")
    for result in results:
        a, b = selection(rows, result.id)
        assert_same(result.estimate, independent.estimate_difference(a, b))
    assert results


def test_shares_of_seeds_are_selected_by_loops():
    """C6: the share of models in which a reader that knows both tables makes no error."""
    for folder in ("results/extraction", "results/standard/extraction"):
        [result] = [one for one in judge(folder)[0] if one.id == "C6"]
        rows = independent.read_rows(ROOT / folder / "table.csv")
        where = {"task": "reverse", "architecture": "encoder", "encoding": "learned"}
        rows = independent.select(rows, **where, metric="recovery", reader="both tables", signal="float32")
        shares = independent.average(rows)
        assert result.n == len(shares)
        assert_same(result.estimate, independent.estimate_share(sum(v == 1 for v in shares.values()), len(shares)))


# ── the second implementation itself ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("n", [3, 5, 6, 7, 9, 10])
def test_both_implementations_agree_on_drawn_values(n, seed):
    """Also with ties, and where all differences are one."""
    generator = np.random.default_rng(seed)
    a, b = generator.normal(0.2, 1, n), generator.normal(0, 1, n)
    for first, second in ((a, b), (a.round(0), b.round(0)), (b + 0.25, b)):
        assert_same(statistics.estimate_difference(first, second), independent.estimate_difference(first, second))
    assert_same(statistics.estimate_mean(a, -9.0), independent.estimate_mean(a.tolist(), -9.0))
    successes = int(generator.integers(0, n + 1))
    solved = [1.0] * successes + [0.0] * (n - successes)
    assert_same(statistics.estimate_solved_share(solved), independent.estimate_share(successes, n))
    p_values = generator.uniform(0, 0.2, n).tolist()
    assert statistics.adjust_p_values(p_values) == pytest.approx(independent.adjust(p_values))


def test_the_other_intervals_agree_on_drawn_values():
    generator = np.random.default_rng(0)
    scores = generator.uniform(0, 1, (3, 5))
    assert_same(statistics.estimate_interquartile_mean(scores), independent.estimate_middle(scores.tolist(), 2000))
    part, whole = generator.uniform(0, 1, 12), generator.uniform(1, 2, 12)
    assert_same(word_order.estimate_share(part, whole), independent.estimate_ratio(part.tolist(), whole.tolist()))
    names = [f"p{i}" for i in range(6)]
    first, second = zip(*[(a, b) for a in names for b in names if a < b], strict=True)
    values = generator.integers(0, 2, len(first)).astype(float)
    assert_same(
        photographs.estimate_over_photographs(first, second, values), estimate_over_photographs(first, second, values)
    )
    assert independent.compute_t_quantile(9) == pytest.approx(2.262157, abs=1e-6)
