"""What can a reader see with their own eyes: a code, a sentence and its shuffle, lengths never trained?

Everything here shows and decides nothing: the claims are made elsewhere, with more seeds. One seed of models that other
experiments train too: an encoder that reverses, and one that guesses masked words of real text. Verses are the first ones
of the held-out text that fit, and the word in their middle is masked, whatever a model makes of it.

Prediction: without an encoding the guesses for a verse and for its shuffles are the same to the last digits; with one they
change. Right up to the training length, wrong at once beyond it.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxpe import cli
from jaxpe.analysis import attention, heads
from jaxpe.data import corpus
from jaxpe.data.examples import BLANK, BOS, SPECIALS
from jaxpe.figures import style as draw
from jaxpe.model import Inputs
from jaxpe.records.claims import Claim, ClaimResult
from jaxpe.study import grids, tables
from jaxpe.study.presets import GridRow, Preset
from jaxpe.study.tables import TableRow
from jaxpe.study.workspace import Run, Workspace
from jaxpe.training.evaluate import test_lengths

VERSES, ORDERS, GUESSES = 4, 6, 6  # order 0: as written
SHORTEST = 10
ONE = {"seeds": 1}
READS = ("none", "learned")
PRESETS = {
    "smoke": Preset(
        (GridRow(task="reverse", architectures=("encoder",)),),
        seeds=1, train_length=5, max_length_ratio=4.0, num_test_lengths=4, examples=32, width=16, layers=1, steps=40, batch=16, length_buckets=1,
    ),
    "quick": Preset(
        (GridRow(task="reverse", architectures=("encoder",)), grids.text_row(task="masked_lm", overrides=grids.QUICK_TEXT | ONE, encodings=READS)),
        seeds=1, train_length=8, steps=800, num_test_lengths=7,
    ),
    "standard": Preset(
        (GridRow(task="reverse", architectures=("encoder",)), grids.text_row(task="masked_lm", overrides=grids.STANDARD_TEXT | ONE, encodings=READS)),
        seeds=1, train_length=12, steps=3000, num_test_lengths=14, examples=512,
    ),
    "full": Preset(
        (GridRow(task="reverse", architectures=("encoder",)), grids.text_row(task="masked_lm", overrides=grids.STANDARD_TEXT | ONE, encodings=READS)),
        seeds=1, train_length=20, steps=10_000, num_test_lengths=20, examples=1024, width=64, heads=4,
    ),
}  # fmt: skip
CLAIMS: tuple[Claim, ...] = ()


def measure(work: Workspace, runs: list[Run], preset: Preset) -> list[TableRow]:
    """Accuracy by length and the codes of the toy task; guesses on text."""
    rows = []
    for run in runs:
        config, source = run.config, work.source(run.config)
        base = tables.base_row("tour", config, run.seed, None)
        if config.language:
            rows += [base | row for row in guesses(work, run)] if config.task == "masked_lm" else []
            continue
        lengths = test_lengths(source.stream, config.train_length, preset.max_length_ratio, preset.num_test_lengths)
        for (seed, length), found in work.scores([run], lengths, preset.examples).items():
            rows += tables.rows_of("tour", config, source, seed, length, found)
        rows += [base | row for row in code(work, run)]
    return rows


def code(work: Workspace, run: Run) -> list[TableRow]:
    """What the trained model adds to a token at each position of training, number by number."""
    config = run.config
    model = work.model(run)
    positions = jnp.arange(max(work.source(config).stream.sizes(config.train_length)))
    added = np.asarray(attention.code_of(model.stack.encodings[0], positions, config.width))
    return [
        {"metric": "code", "position": int(p), "dimension": int(d), "value": float(f"{added[p, d]:.3g}")}
        for p, d in np.ndindex(*added.shape)
    ]


def guesses(work: Workspace, run: Run) -> list[TableRow]:
    """The likeliest words at the masked place of each verse, in its order and in five others, and the verses themselves."""
    config = run.config
    tokenizer = corpus.tokenizer(corpus.load(config.corpus).train, config.vocabulary)
    words, model, rows = heads.words_of(tokenizer), jax.tree.map(jnp.asarray, work.model(run)), list[TableRow]()
    for verse, tokens in enumerate(verses(config, tokenizer)):  # none where training examples are shorter
        place = len(tokens) // 2
        for order in range(ORDERS):
            others = [at for at in range(len(tokens)) if at != place]
            mixed = np.random.default_rng([verse, order]).permutation(others) if order else others
            shown = np.insert(tokens[mixed], place, BLANK)
            chance = probabilities(model, shown, place + 1)
            best = np.argsort(-chance, kind="stable")[:GUESSES]
            about = {"verse": verse, "order": order}
            rows += [about | {"metric": "shown", "position": at, "word": words[t]} for at, t in enumerate(shown)]
            rows += [
                about | {"metric": "probability", "word": words[t], "value": round(float(chance[t]), 6)} for t in best
            ]
        rows.append({"metric": "asked", "verse": verse, "position": place, "word": words[tokens[place]]})
    return rows


def verses(config: Any, tokenizer: Any) -> list[np.ndarray]:
    """The first held-out verses that fit into a training example."""
    encoded = tokenizer.encode_batch(list(corpus.load(config.corpus).validation[:200]))
    fitting = [np.array(one.ids) + SPECIALS for one in encoded if SHORTEST <= len(one.ids) <= config.train_length]
    return fitting[:VERSES]


@jax.jit
def probabilities(model: Any, shown: Any, place: Any) -> Any:
    """What the model takes the token at a place for, <bos> before the others."""
    tokens = jnp.concatenate([jnp.array([BOS]), jnp.asarray(shown)]).astype(jnp.int32)
    nothing = jnp.zeros((0,), jnp.int32)
    inputs = Inputs(tokens, jnp.arange(len(tokens)), jnp.int32(len(tokens)), nothing, nothing, jnp.int32(0))
    return jax.nn.softmax(model(inputs).logits[place])


def figures(table: Any) -> dict[str, Any]:
    """The codes as images; accuracy by length; how far the guesses for one verse move when its words change places."""
    made = {}
    codes = tables.select(table, metric="code")
    names = [
        name for name in dict.fromkeys(codes["encoding"]) if (tables.select(codes, encoding=name)["value"] != 0).any()
    ]
    if names:
        figure, axes = draw.panels(len(names), columns=2, width=4.2, height=2.8)
        for axis, name in zip(axes, names, strict=True):
            part = tables.select(codes, encoding=name).pivot(index="position", columns="dimension", values="value")
            image = axis.imshow(part, cmap="cividis", vmin=-3, vmax=3, aspect="auto", interpolation="nearest")
            axis.set_title(f"{name}, trained")
            axis.set_xlabel("dimension")
            axis.set_ylabel("position")
        figure.colorbar(image, ax=axes, label="what is added to the token")
        made["codes"] = figure
    lengths = tables.select(table, metric="token_accuracy")
    if len(lengths):
        groups = [part for _, part in lengths.groupby(["task", "architecture"], sort=False)]
        figure, axes = draw.panels(len(groups), width=5.6)
        for axis, part in zip(axes, groups, strict=True):
            draw.curve(axis, part)
            draw.by_length(axis, part, f"{part['task'].iloc[0]}, {part['architecture'].iloc[0]}")
            axis.set_ylabel("token accuracy")
        draw.legend(figure, axes, columns=3)
        draw.caption(figure, "One seed, to look at: the claims come from more.")
        made["lengths"] = figure
    changed = moved(table)
    if changed:
        figure, [axis] = draw.panels(1, width=5.6)
        for name, changes in changed.items():
            look = draw.style(name)
            axis.plot(range(len(changes)), changes, color=look.colour, marker=look.marker, linestyle="", label=name)
        axis.xaxis.set_major_locator(draw.MaxNLocator(integer=True))
        axis.set_xlabel("verse and order, one after the other")
        axis.set_ylabel("largest change of a guess's probability")
        draw.legend(figure, [axis])
        draw.caption(figure, "Held-out verses with a masked word, their other words in five other orders; one seed.")
        made["guesses"] = figure
    return made


def moved(table: Any) -> dict[str, list[float]]:
    """For each encoding, how far the guesses of the verse as written move in every other order."""
    found: dict[str, list[float]] = {}
    part = tables.select(table, metric="probability")
    for name, own in part.groupby("encoding", sort=False):
        found[str(name)] = []
        for _, verse in own.groupby("verse"):
            by_word = verse.pivot_table(index="word", columns="order", values="value")
            plain = by_word.dropna(subset=[0])
            found[str(name)] += [float((plain[order] - plain[0]).abs().max()) for order in plain.columns if order]
    return found


def claims(table: Any) -> list[ClaimResult]:
    """None: this is to look at."""
    return []


if __name__ == "__main__":
    cli.script(__file__)
