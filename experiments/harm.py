"""Does adding a position to a token do harm, and where does it plainly help?

Order-free tasks (`count`, `majority`, `histogram`: the answer is a function of counts alone) and order-needing ones (`copy`,
`reverse`, `index`, `relative_index`) with and without a position, tested within the lengths seen and beyond them. Then three
sweeps of a factor s on a frozen code: position × s; token and position both × s (a control: the size alone); and
(token + s·position) / √(1 + s²), the ratio alone, at a constant size. Harm by ratio counts only in the third. `concatenated`
gives position a quarter of the same width, or (`wide`) coordinates of its own beside a token of full width. Twins are pairs
of the same symbols with different answers: a rule blind to order is right on one of the two at most. Quick and standard have
the encoder only; `full` has every architecture where a task is defined in it.

Prediction: within the lengths seen a position harms no order-free task (all sit at the ceiling) and is indispensable for
order-needing ones; beyond them it does harm: `none` counts on, sinusoids do not. `randomized` positions lessen the harm. By
ratio, index needs s above about 0.1, and count suffers from s of about 10 on, where the token is a tenth of the sum; width
helps. Both × s does nothing up to about 10, since the norm before each block takes a common factor away; far above, what the
blocks write is lost beside the embeddings. Training brings the sizes of the two parts nearer to each other, but by less than
a factor of 3. Random rows behave like sinusoids within the lengths seen. A learned table works from an initial size of 0.1 to
10 and fails at 0.02 and at 30. Adding and concatenating at the same size do not differ by 0.02 within the lengths seen.

Primary cell. C5: `count` in the encoder, token accuracy at 2 N, `sinusoidal` minus `none`, positions `arange`: no harm means
that the interval does not lie below −0.02. Parts: every task, within (seen) and beyond; added minus concatenated (add); and
the turning point (ratio): in the third sweep, sinusoids at width 32 and the training length, `count` at s = 10 minus s = 0 and
`index` at s = 1 minus s = 0.1, fixed after a first standard run with three seeds of the ten. Each of the four is a family of its own
for Holm's method. C8.twins: share of pairs of `index` with both right, `sinusoidal` minus `none`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import jax.numpy as jnp
import numpy as np
import pandas as pd

from jaxpe import cli
from jaxpe.analysis import harm
from jaxpe.analysis.attention import code_of
from jaxpe.figures import harm as harm_figures
from jaxpe.records.claims import Answer, Claim, ClaimResult, Text, format_effect
from jaxpe.records.statistics import estimate_difference, is_at_ceiling, judge_direction
from jaxpe.study import grids, tables
from jaxpe.study.presets import GridRow, Preset
from jaxpe.study.tables import TableRow
from jaxpe.study.workspace import Run, Workspace
from jaxpe.tasks import evaluation
from jaxpe.training import parameters, train

FACTORS = (0.0, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
ORDER_FREE, ORDER_NEEDING = ("count", "majority", "histogram"), ("copy", "reverse", "index", "relative_index")
TWO = ("count", "index")  # the matched pair: the same input, the same length of answer
FIVE = ("none", "sinusoidal", "learned", "random_fixed", "concatenated")
FROZEN, SWEEPS = ("sinusoidal", "random_fixed"), ("position", "both", "ratio")
MARGIN = 0.02  # in accuracy: less is no harm
WIDE = {"width": 40, "seeds": 6}  # a token of width 32 and a position of width 8; or both in all 40, added
SWEEP = {"steps": 1500, "seeds": 3}
TURNS = {"count": (10.0, 0.0), "index": (1.0, 0.1)}  # C5.ratio: accuracy at the first factor minus that at the second
STDS = (0.02, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)  # of a learned table before training
SOLVED = 0.95  # mean token accuracy from which a sweep counts as solved
CURVE = 10  # points of a loss curve
Scales = tuple[float, float]


def ratio(s: float) -> Scales:
    return 1 / (1 + s * s) ** 0.5, s / (1 + s * s) ** 0.5


def scales(kinds: Sequence[str], factors: Sequence[float] = FACTORS) -> tuple[Scales, ...]:
    """The factors of token and position for each kind of sweep."""
    of: dict[str, Any] = {"position": lambda s: (1.0, s), "both": lambda s: (s, s), "ratio": ratio}
    return tuple(dict.fromkeys(of[kind](s) for kind in kinds for s in factors if s > 0 or kind != "both"))


QUICK_SWEEP = {"seeds": 2}
QUICK_SCALES = scales(("ratio",), (0.0, 0.1, 1.0, 10.0, 100.0)) + scales(("position", "both"), (10.0, 100.0))
PRESETS = {
    "smoke": Preset(
        (
            GridRow(task="count", architectures=("encoder",), encodings=("none",)),
            GridRow(task="reverse", architectures=("encoder",), encodings=("none", "sinusoidal")),
            GridRow(task="reverse", architectures=("encoder",), encodings=("sinusoidal",), scales=scales(("ratio",), (0.1, 10.0))),
        ),
        seeds=1, train_length=5, max_length_ratio=4.0, num_test_lengths=4, examples=32, width=16, layers=1, steps=40, batch=16, length_buckets=1,
    ),
    "quick": Preset(
        (
            GridRow(task="count", architectures=("encoder",), encodings=("none", "sinusoidal"), overrides=grids.QUICK_COUNT | grids.SIX),
            GridRow(task="index", architectures=("encoder",), encodings=("none", "sinusoidal"), overrides=grids.SIX),
            GridRow(task="reverse", architectures=("encoder",), overrides=grids.SIX),
            GridRow(task="reverse", architectures=("encoder",), encodings=("learned",), positions=("offset",), overrides=grids.SIX),
            GridRow(task="count", architectures=("encoder",), encodings=("sinusoidal",), scales=QUICK_SCALES, overrides=grids.QUICK_COUNT | QUICK_SWEEP),
            GridRow(task="index", architectures=("encoder",), encodings=("sinusoidal",), scales=QUICK_SCALES, overrides=QUICK_SWEEP),
        ),
        train_length=8, steps=800, num_test_lengths=7,
    ),
    "standard": Preset(
        (
            *[GridRow(task=task, architectures=("encoder",), encodings=("none", "sinusoidal")) for task in (*TWO, *ORDER_FREE[1:], *ORDER_NEEDING[:2], "relative_index")],
            *[GridRow(task=task, architectures=("encoder",), encodings=FIVE, overrides=grids.SIX) for task in (*ORDER_FREE, *ORDER_NEEDING)],
            *[
                GridRow(task=task, architectures=("encoder",), encodings=("sinusoidal", "learned"), positions=("offset", "randomized"), overrides=grids.SIX)
                for task in (*TWO, "majority", "reverse")
            ],
            *[GridRow(task=task, architectures=("encoder",), encodings=("sinusoidal",), overrides=WIDE) for task in TWO],
            *[GridRow(task=task, architectures=("encoder",), encodings=("concatenated",), overrides=WIDE, encoding_options=(("share", 0.2),)) for task in TWO],
            *[GridRow(task=task, architectures=("encoder",), encodings=("sinusoidal",), scales=scales(("ratio",)), overrides=SWEEP | grids.SIX) for task in TWO],
            *[GridRow(task=task, architectures=("encoder",), encodings=("sinusoidal",), scales=scales(("ratio",), of_claim), overrides=SWEEP | grids.TEN) for task, of_claim in TURNS.items()],
            *[GridRow(task=task, architectures=("encoder",), encodings=("learned",), overrides=SWEEP, encoding_options=(("scale", std),)) for task in TWO for std in STDS],
            *[
                GridRow(task=task, architectures=("encoder",), encodings=codes, scales=scales(kinds), overrides={**SWEEP, "width": width, "seeds": seeds})
                for width, seeds, codes, kinds in (  # all of it, at every width, is in full
                    (32, 3, FROZEN, SWEEPS), (16, 3, FROZEN, SWEEPS[2:]), (64, 3, FROZEN[:1], SWEEPS[2:]), (128, 1, FROZEN[:1], SWEEPS[2:]),
                )
                for task in TWO
            ],
        ),
        seeds=10, train_length=12, steps=3000, num_test_lengths=14, examples=512,
    ),
}  # fmt: skip
PRESETS["full"] = Preset(
    (
        *[
            GridRow(task=task, architectures=grids.ALL if task != "histogram" else ("encoder",), encodings=FIVE, positions=("arange", "offset", "randomized"))
            for task in (*ORDER_FREE, *ORDER_NEEDING)
        ],
        *[
            GridRow(task=task, architectures=("encoder",), encodings=FROZEN, scales=scales(SWEEPS), overrides={"width": width})
            for task in TWO
            for width in (16, 32, 64, 128)
        ],
        *[GridRow(task=task, architectures=("encoder",), encodings=("learned",), encoding_options=(("scale", std),)) for task in TWO for std in STDS],
        *[row for row in PRESETS["standard"].grid if row.overrides == WIDE],
    ),
    seeds=10, train_length=12, steps=10_000, num_test_lengths=14, examples=1024,
)  # fmt: skip


HARM_CLAIM = Claim(
    "C5",
    "Adding sinusoids does no harm where the answer does not depend on order: count in the encoder at length {length}, "
    "twice the training length (sinusoidal minus none).",
    "token accuracy",
    cell="count in the encoder at 2 N, sinusoidal minus none: interval not below −0.02",
    question="harm",
    figure="within_and_beyond",
    family="primary",
    title=Text(
        "Adding a position does no harm where order is not asked for, even beyond the lengths trained",
        "順序を問わない課題では、学習時より長い系列でも、位置を足して害はない",
    ),
    effect=Text("with minus without", "正答率、位置あり − 位置なし"),
)
BY_TASK = {
    where: Claim(
        f"C5.{{task}}-{where}-{{name}}",
        f"{{encoding}} on {{task}} in the encoder at length {{length}} ({where}): accuracy minus that with none.",
        "token accuracy",
        question="harm",
        figure="within_and_beyond",
        family=f"C5.{where}",
    )
    for where in ("seen", "beyond")
}
BY_RATIO = Claim(
    "C5.ratio-{task}",
    "The ratio of position to token alone, {task} in the encoder ({conditions}): accuracy at s = {s} minus s = {other}.",
    "token accuracy",
    question="harm",
    figure="ratio",
    family="C5.ratio",
)
ADD = Claim(
    "C5.add-{name}-{task}-{where}",
    "Adding sinusoids minus concatenating them, {task} in the encoder at length {length} ({where}); {sizes}.",
    "token accuracy",
    question="harm",
    figure="add_or_concatenate",
    family="C5.add",
)
TWINS = Claim(
    "C8.twins{name}",
    "Twins of index, the same symbols with different answers: share with both right, {encoding} minus none.",
    "share of pairs",
    question="help",
    figure="twins",
    family="C8",
)
CLAIMS = (HARM_CLAIM, *BY_TASK.values(), BY_RATIO, ADD, TWINS)


def measure(work: Workspace, runs: list[Run], preset: Preset) -> list[TableRow]:
    """Accuracy within and beyond the lengths seen, speed, loss curves, sizes of the parts, and twins, for every run."""
    rows = []
    for config in dict.fromkeys(run.config for run in runs):
        group = [run for run in runs if run.config == config]
        source, n = work.open_source(config), config.train_length
        longest = round(preset.max_length_ratio * n)
        lengths = [k * n for k in (1, 2, 4, 10) if k * n <= longest and source.stream.lengths(k * n, k * n)]
        if config.scales is not None:
            lengths = lengths[:2]
        named = named_mix(config)
        for sampler in dict.fromkeys(("arange", *[s for s in (config.positions,) if s == "randomized"])):
            for (seed, length), scores in work.measure_scores(group, lengths, preset.examples, sampler=sampler).items():
                more = named | {"test_positions": sampler}
                rows += tables.make_rows("harm", config, source, seed, length, scores, ("token_accuracy",), **more)
        for run in group:
            rows += [tables.make_base_row("harm", config, run.seed, None) | named | row for row in of_cell(work, run)]
    return rows


def named_mix(config: Any) -> TableRow:
    """How the parts were weighted, and what else tells the config from others of the same encoding."""
    token, position = config.scales or (1.0, 1.0)
    named = {"width": config.width, "token_factor": token, "position_factor": position}
    alone = abs(token**2 + position**2 - 1) < 1e-9
    kind = "none" if config.scales is None else "ratio" if alone else "position" if token == 1 else "both"
    std = dict(config.encoding_options).get("scale")
    return named | {"sweep": "initial std" if std is not None else kind, "initial_std": std}


def of_cell(work: Workspace, run: Run) -> list[TableRow]:
    """What one training and one model tell beside accuracy."""
    config, history = run.config, work.results.read_record(run.id)["history"]
    reached = train.step_reaching(history, "token_accuracy", 0.95)
    rows: list[TableRow] = [{"metric": "steps_to_95", "value": reached, "steps": config.training.steps}]
    plainly = named_mix(config)["sweep"] == "none"
    if plainly and run.seed < 2:
        at = np.unique(np.geomspace(1, len(history["step"]), 2 * CURVE)[1::2].astype(int)) - 1
        rows += [{"metric": "loss", "value": history["loss"][i], "steps": history["step"][i]} for i in at]
    model = work.load_model(run)
    stream: Any = work.open_source(config).stream
    sizes = stream.sizes(config.train_length)
    untrained = parameters.fresh(config, stream, run.seed)
    for when, one in (("before", untrained), ("after", model)):
        code = np.asarray(code_of(one.stack.encodings[0], jnp.arange(sizes[0]), config.width))
        parts = harm.parts_of(one, code, config.scales or (1.0, 1.0))
        kept = parts if plainly else [name for name in parts if name.endswith("rms")]
        rows += [{"metric": f"{name}_{when}", "value": parts[name]} for name in kept]
    if config.task in harm.TWINS and config.architecture == "encoder" and config.scales is None:
        xs = evaluation.examples(config.task, stream.task, config.train_length, 256).x
        pairs = harm.twin_pairs(config.task, np.asarray(xs))
        value = harm.both_right(model, stream, config.task, pairs)
        rows.append(
            {"metric": "twins_both_right", "value": value, "order_blind_baseline": 0.0, "n_examples": len(pairs)}
        )
    return rows


def plain(table: Any) -> Any:
    """The rows of trainings at the encodings' own scales and the common width, tested as they were trained."""
    own = table[table["sweep"] == "none"]
    tested = np.where(own["positions"] == "randomized", "randomized", "arange")
    return own[(own["test_positions"] == tested) & (own["width"] == own["width"].min())]


def figures(table: Any) -> dict[str, Any]:
    """Within and beyond the lengths seen; the sweeps; sizes of the parts; twins; loss curves."""
    return harm_figures.figures(table, plain(table))


# ── claims ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def judged(a: Sequence[float], b: Sequence[float]) -> tuple[str, Any]:
    """harmless, harmful, helpful or undecided: accuracy with a position (a) against none (b), over paired seeds.

    Harmless: both at the ceiling in all seeds, or the interval within ± MARGIN.
    """
    found = estimate_difference(a, b)
    if found.n >= 6 and is_at_ceiling(a, b):
        return "harmless", found
    if found.low is None or found.high is None:
        return "undecided", found
    if found.low > 0 and found.high > MARGIN:
        return "helpful", found
    if found.high < 0 and found.low < -MARGIN:
        return "harmful", found
    return ("harmless" if found.low > -MARGIN and found.high < MARGIN else "undecided"), found


def compared(
    table: Any, task: str, times: int, encoding: str = "sinusoidal", positions: str = "arange"
) -> tuple[Any, Any, int]:
    """Token accuracy in the encoder at `times` N, with an encoding and with none, by paired seeds; and the length."""
    part = tables.select_rows(plain(table), task=task, architecture="encoder", metric="token_accuracy")
    part = part[part["test_length"] == times * part["train_length"]]
    blind = {"encoding": "none", "positions": "arange"}
    a, b = tables.pair_seeds(part, {"encoding": encoding, "positions": positions}, blind)
    return a, b, int(part["test_length"].iloc[0]) if len(part) else 0


def claims(table: pd.DataFrame) -> list[ClaimResult]:
    """C5 in its primary cell and for every task (other encodings: see the summary); add or concatenate; C8 by twins."""
    results = []
    a, b, length = compared(table, "count", 2)
    if len(a):
        word, estimate = judged(a, b)
        verdict = {"harmless": "supported", "helpful": "supported", "harmful": "contradicted"}.get(word, "undecided")
        results.append(HARM_CLAIM.judge(verdict, estimate, length=length))
    for task, (where, times), encoding in product(dict.fromkeys(table["task"]), WHERE.items(), main_encodings(table)):
        a, b, length = compared(table, task, times, encoding)
        if len(a):
            fields = {"task": task, "encoding": encoding, "name": encoding.lower(), "length": length}
            results.append(BY_TASK[where].judge(*judged(a, b), **fields))
    return results + ratio_claims(table) + twin_claims(table) + concatenation_claims(table)


def twin_claims(table: pd.DataFrame) -> list[ClaimResult]:
    """C8 by twins of index. The first encoding carries the claim's plain name."""
    part = tables.select_rows(plain(table), task="index", metric="twins_both_right", positions="arange")
    results: list[ClaimResult] = []
    for encoding in main_encodings(table):
        a, b = tables.pair_seeds(part, {"encoding": encoding}, {"encoding": "none"})
        if len(a):
            difference, name = estimate_difference(a, b), f"-{encoding.lower()}" if results else ""
            results.append(TWINS.judge(judge_direction(difference), difference, encoding=encoding, name=name))
    return results


def main_encodings(table: Any) -> list[str]:
    """Whose verdicts are claims: sinusoids, or where they are not there, everything that was asked for."""
    names = [name for name in dict.fromkeys(plain(table)["encoding"]) if name != "none"]
    return ["sinusoidal"] if "sinusoidal" in names else names


def swept(table: Any, task: str) -> Any:
    """The ratio sweep of a task at the training length, with its factor s: of sinusoids, or else of the first encoding."""
    part = tables.select_rows(table, task=task, sweep="ratio", metric="token_accuracy", architecture="encoder")
    part = part[(part["test_length"] == part["train_length"]) & (part["encoding"] != "none")]
    names = list(dict.fromkeys(part["encoding"]))
    chosen = "sinusoidal" if "sinusoidal" in names else names[0] if names else None
    part = part[part["encoding"] == chosen]
    return part.assign(s=(part["position_factor"] / part["token_factor"]).round(3))


def ratio_claims(table: pd.DataFrame) -> list[ClaimResult]:
    """C5.ratio: what the ratio of position to token alone does to both tasks of the matched pair, at the common width."""
    results = []
    for task, (s, other) in TURNS.items():
        part = swept(table, task)
        part = part[part["width"] == plain(table)["width"].min()]
        a, b = tables.pair_seeds(part, {"s": s}, {"s": other})
        if len(a):
            first = part.iloc[0]
            conditions = f"{first['encoding']}, width {first['width']:g}, length {first['test_length']:g}"
            fields = {"task": task, "conditions": conditions, "s": f"{s:g}", "other": f"{other:g}"}
            results.append(BY_RATIO.judge(*judged(a, b), **fields))
    return results


WHERE = {"seen": 1, "beyond": 2}  # the test length, in training lengths
ADDED = {  # part of the claim's name: what is compared, width when added, width when concatenated
    "same-size": ("both of width {}, as many parameters", 32, 32),
    "wide": ("both of width {}, as many parameters; concatenated, the token keeps 32", 40, 40),
    "full-token": ("the token of width 32 in both; concatenated, the model is wider", 32, 40),
}


def concatenation_claims(table: pd.DataFrame) -> list[ClaimResult]:
    """What adding is worth compared with concatenating, at the training length and beyond it."""
    part = tables.select_rows(table, sweep="none", metric="token_accuracy", positions="arange", test_positions="arange")
    results = []
    for task, (name, (sizes, width, other)), (where, times) in product(TWO, ADDED.items(), WHERE.items()):
        rows = part[(part["task"] == task) & (part["test_length"] == times * part["train_length"])]
        a, b = tables.pair_seeds(
            rows, {"encoding": "sinusoidal", "width": width}, {"encoding": "concatenated", "width": other}
        )
        if len(a):
            fields = {"task": task, "name": name, "where": where, "length": f"{rows['test_length'].iloc[0]:g}"}
            results.append(ADD.judge(*judged(a, b), **fields, sizes=sizes.format(width)))
    return results


def solved_range(table: Any, task: str) -> str:
    """For which of the tested s the ratio sweep solves a task at the training length, in words, by width."""
    words, part = [], swept(table, task)
    for width, own in part.groupby("width"):
        means = own.groupby("s")["value"].mean()
        unlearned = task in ORDER_FREE and not means.iloc[0] >= SOLVED
        why = " (so short a training does not learn it without a position either)" if unlearned else ""
        words.append(f"{runs_of(means >= SOLVED)} at width {width:g}{edge_of(means)}{why}")
    tested = ", ".join(f"{s:g}" for s in sorted(set(part["s"])))
    return f"solved (mean ≥ {SOLVED:g}; s of {tested}) {'; '.join(words)}" if words else "not run"


def edge_of(means: Any) -> str:
    """' (at 3: 0.85)': what is left at the first factor above those that are solved."""
    solved = means.index[means >= SOLVED]
    above = means[means.index > solved.max()] if len(solved) else means[:0]
    return f" (at {above.index[0]:g}: {above.iloc[0]:.2f})" if len(above) else ""


def runs_of(solved: Any) -> str:
    """'at s = 0 to 1 and 10': a range only where every s tested between its ends is solved."""
    runs: list[list[str]] = [[]]
    for s, yes in solved.items():
        if yes:
            runs[-1].append(f"{s:g}")
        elif runs[-1]:
            runs.append([])
    words = [" to ".join(dict.fromkeys((run[0], run[-1]))) for run in runs if run]
    return f"at s = {' and '.join(words)}" if words else "at no s"


HARM = {"harmless": "no harm", "helpful": "help", "harmful": "harm"}
HELP = {"harmless": "no help", "helpful": "help", "harmful": "harm"}


def answers(table: Any, made: dict[str, ClaimResult]) -> list[Answer]:
    """Two of the three questions, in the words of the claims' verdicts."""
    names = main_encodings(table)
    if names and not (plain(table)["encoding"] == "none").any():
        short = "Not answered: there is no model without a position to compare with; ask for the encoding none too."
        return [Answer("harm", "", "within_and_beyond", short)]
    found = [harm_answer(table, made, name) for name in names] + [help_answer(table, made, name) for name in names]
    return [answer for answer in found if answer]


def harm_answer(table: Any, made: dict[str, ClaimResult], encoding: str) -> Answer | None:
    """From count, or the first order-free task that was run."""
    task = first_of(made, ORDER_FREE, encoding)
    if task is None:
        return None
    seen, beyond = (made.get(name_of(task, where, encoding)) for where in WHERE)
    ratio = turning(table, made, encoding, "count")
    short = (
        f"Within the lengths seen {in_words(seen, HARM)}; at twice the length {in_words(beyond, HARM)} ({encoding} on {task}, "
        f"which asks for no order){ratio}."
    )
    text = by_task(made, ORDER_FREE, encoding)
    if ratio:
        text += (
            "What turns it round is the ratio of position to token, (token + s·position) / √(1 + s²): count is "
            f"{solved_range(table, 'count')}. "
        )
    text += against_concatenating(made) if encoding == "sinusoidal" else ""
    return Answer("harm", text.strip(), "ratio" if ratio else "within_and_beyond", short)


def help_answer(table: Any, made: dict[str, ClaimResult], encoding: str) -> Answer | None:
    """From index, or the first order-needing task that was run."""
    task = first_of(made, ("index", *ORDER_NEEDING), encoding)
    if task is None:
        return None
    seen, beyond = (made.get(name_of(task, where, encoding)) for where in WHERE)
    ratio = turning(table, made, encoding, "index")
    short = (
        f"Where the answer depends on order: within the lengths seen {in_words(seen, HELP)}; at twice the length "
        f"{in_words(beyond, HELP)} ({encoding} on {task}){ratio}."
    )
    twins = next((made[name] for name in (f"C8.twins-{encoding.lower()}", "C8.twins") if name in made), None)
    text = (
        f"Of two inputs with the same symbols and different answers both are right: {format_effect(twins)}. "
        if twins
        else ""
    )
    text += by_task(made, ORDER_NEEDING, encoding)
    text += (
        f"The ratio of position to token decides here too: index is {solved_range(table, 'index')}." if ratio else ""
    )
    return Answer("help", text.strip(), "twins" if twins else "within_and_beyond", short)


def name_of(task: str, where: str, encoding: str) -> str:
    return f"C5.{task}-{where}-{encoding.lower()}"


def first_of(made: dict[str, ClaimResult], tasks: Sequence[str], encoding: str) -> str | None:
    return next((task for task in tasks if any(name_of(task, where, encoding) in made for where in WHERE)), None)


def in_words(claim: ClaimResult | None, words: dict[str, str]) -> str:
    """'harm, -0.681 token accuracy (-0.755 to -0.598, n = 10)'."""
    return "not run" if claim is None else f"{words.get(claim.verdict, claim.verdict)}, {format_effect(claim)}"


def turning(table: Any, made: dict[str, ClaimResult], encoding: str, task: str) -> str:
    """The condition under which the answer turns round: what the ratio does at the common width, of that encoding's sweep."""
    one, part = made.get(f"C5.ratio-{task}"), swept(table, task)
    if one is None or encoding not in set(part["encoding"]):
        return ""
    s, other = TURNS[task]
    width = plain(table)["width"].min()
    means = part[part["width"] == width].groupby("s")["value"].mean()
    reached = f"solved {runs_of(means >= SOLVED)}"
    return (
        f"; it turns with the ratio s of position to token: at width {width:g} {task} is {reached}, and from "
        f"s = {other:g} to {s:g} there is {format_effect(one)}, {one.verdict}"
    )


def by_task(made: dict[str, ClaimResult], tasks: Sequence[str], encoding: str) -> str:
    """'Tasks of this kind, within the lengths seen: helpful on copy, reverse; …; at twice the length: … .'"""
    parts = []
    for where, length in (("seen", "within the lengths seen"), ("beyond", "at twice the length")):
        words: dict[str, list[str]] = {}
        for task in tasks:
            if one := made.get(name_of(task, where, encoding)):
                words.setdefault(one.verdict, []).append(task)
        parts.append(length + " " + ", ".join(f"{word} on {' and '.join(names)}" for word, names in words.items()))
    return f"All tasks of this kind: {'; '.join(parts)}. "


def against_concatenating(made: dict[str, ClaimResult]) -> str:
    """What adding gains or loses against concatenating at the same size, on both tasks of the matched pair."""
    words = []
    for where, length in (("seen", "within the lengths seen"), ("beyond", "at twice the length")):
        found = [(task, made.get(f"C5.add-same-size-{task}-{where}")) for task in TWO]
        words += [f"{task} {length} {one.verdict}, {format_effect(one)}" for task, one in found if one]
    return f"Adding against concatenating at the same size: {'; '.join(words)}." if words else ""


def summary(table: Any) -> tuple[str, list[dict[str, str]]]:
    """Every task, encoding and sampler within and beyond the lengths seen, in one word each."""
    rows = []
    own = plain(table)
    for task, encoding, positions in dict.fromkeys(zip(own["task"], own["encoding"], own["positions"], strict=True)):
        if encoding == "none":
            continue
        row = {"task": task, "answer needs order": "yes" if task in ORDER_NEEDING else "no"}
        row |= {"encoding": encoding, "positions in training": positions}
        for times, where in ((1, "within the lengths seen"), (2, "at twice the length")):
            a, b, _ = compared(table, task, times, encoding, positions)
            if len(a):
                word, found = judged(a, b)
                interval = f", {found.low:+.2f} to {found.high:+.2f}" if found.low is not None else ""
                row[where] = f"{word} ({np.mean(a):.3f} against {np.mean(b):.3f} with none{interval}; n = {found.n})"
        row["steps to 95 %"] = steps_told(tables.select_rows(own, task=task, encoding=encoding, positions=positions))
        rows.append(row)
    return "Harm or help: token accuracy in the encoder, with a position and with none", rows


def steps_told(part: Any) -> str:
    """The median over the seeds that reached it in training, and how many of them did."""
    steps = tables.select_rows(part, metric="steps_to_95")["value"]
    reached = steps.dropna()
    return f"{reached.median():.0f} ({len(reached)} of {len(steps)} seeds)" if len(reached) else "not reached"


if __name__ == "__main__":
    cli.script(__file__)
