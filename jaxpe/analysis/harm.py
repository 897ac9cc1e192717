"""Sweeps of the sizes of token and position, and what a run says about harm besides its accuracy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from numpy import ndarray

from jaxpe.analysis import twins
from jaxpe.analysis.attention import compute_code, compute_token_part
from jaxpe.analysis.geometry import compute_overlap, expect_random_overlap, find_directions
from jaxpe.data.examples import SPECIALS
from jaxpe.model import Transformer
from jaxpe.study.scores import PLAIN_SAMPLER, EvaluationConfig
from jaxpe.study.tables import TableRow
from jaxpe.study.workspace import Run, Workspace
from jaxpe.tasks import evaluation_sets
from jaxpe.training import parameters, train
from jaxpe.training.config import RunConfig

CURVE_POINTS = 10  # of a loss curve
CURVE_SEEDS = 2  # whose loss curves are stored
TWIN_EXAMPLES = 256


Factors = tuple[float, float]  # of token and position
FACTORS = (0.0, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
SWEEPS: dict[str, Callable[[float], Factors]] = {  # of a factor s
    "position": lambda s: (1.0, s),
    "both": lambda s: (s, s),  # the size of the sum alone
    "ratio": lambda s: (1 / (1 + s * s) ** 0.5, s / (1 + s * s) ** 0.5),  # the ratio alone, at a constant size
}


def make_scales(sweeps: Sequence[str], factors: Sequence[float] = FACTORS) -> tuple[Factors, ...]:
    """The token and position scales of some sweeps."""
    return tuple(dict.fromkeys(SWEEPS[name](s) for name in sweeps for s in factors if s > 0 or name != "both"))


def describe_scales(config: RunConfig) -> TableRow:
    """The columns that distinguish a config from others of the same encoding: its sweep, factors, and initial scale."""
    token, position = config.scales or (1.0, 1.0)
    initial_std = dict(config.encoding_options).get("scale")
    if initial_std is not None:
        sweep = "initial std"
    elif config.scales is None:
        sweep = "none"
    elif abs(token**2 + position**2 - 1) < 1e-9:
        sweep = "ratio"
    else:
        sweep = "position" if token == 1 else "both"
    factors = {"token_factor": token, "position_factor": position}
    return {"width": config.width, **factors, "sweep": sweep, "initial_std": initial_std}


def measure_run(work: Workspace, run: Run) -> list[TableRow]:
    """Steps to 95 %, a loss curve, the sizes of the parts before and after training, and twins where a task has them."""
    config, history = run.config, work.results.read_record(run.id)["history"]
    plain = describe_scales(config)["sweep"] == "none"
    steps = train.find_first_step(history, "token_accuracy", 0.95)
    rows: list[TableRow] = [{"metric": "steps_to_95", "value": steps, "steps": config.training.steps}]
    if plain and run.seed < CURVE_SEEDS:
        points = np.geomspace(1, len(history["step"]), 2 * CURVE_POINTS)[1::2].astype(int)
        rows += [
            {"metric": "loss", "value": history["loss"][i], "steps": history["step"][i]} for i in np.unique(points) - 1
        ]
    trained = work.load_model(run)
    stream: Any = work.open_source(config).stream
    untrained = parameters.init_model(config, stream, run.seed)
    for name, model in (("before", untrained), ("after", trained)):
        code = compute_code(model.stack.encodings[0], jnp.arange(stream.sizes(config.train_length)[0]), config.width)
        parts = measure_parts(model, np.asarray(code), config.scales or (1.0, 1.0))
        kept = parts if plain else [part for part in parts if part.endswith("rms")]
        rows += [{"metric": f"{part}_{name}", "value": parts[part]} for part in kept]
    if config.task in twins.TASKS and config.architecture == "encoder" and config.scales is None:
        xs = evaluation_sets.draw_examples(config.task, stream.task, config.train_length, TWIN_EXAMPLES).x
        pairs = twins.make_twin_pairs(config.task, np.asarray(xs))
        share = twins.measure_both_right(trained, stream, config.task, pairs)
        counts = {"order_blind_baseline": 0.0, "n_examples": len(pairs)}
        places = EvaluationConfig(sampler=PLAIN_SAMPLER).name_positions(config)
        rows.append({"metric": "twins_both_right", "value": share, "test_positions": places} | counts)
    return rows


def measure_parts(model: Transformer, code: Float[ndarray, "P D"], scales: Factors) -> dict[str, float]:
    """Sizes of the token and the position part of the embeddings, and how far they share directions.

    `scales`: the factors of token and position. The shared directions are left out where nothing is added.
    """
    rows = model.stack.embedding[...][SPECIALS:]
    added = compute_token_part(model.stack.encodings[0], rows) - rows  # 0 unless the encoding also changes the token
    tokens = scales[0] * np.asarray(rows, np.float64) + scales[1] * np.asarray(added, np.float64)
    positions = scales[1] * np.asarray(code, np.float64)
    parts = {"token_rms": compute_rms(tokens), "position_rms": compute_rms(positions)}
    if positions.any():
        a, b = find_directions(tokens), find_directions(positions)
        parts |= {"subspace_overlap": compute_overlap(a, b), "random_overlap": expect_random_overlap(a, b)}
    return parts


def compute_rms(rows: Float[ndarray, "N D"]) -> float:
    """The root mean square per coordinate."""
    return float(np.sqrt((np.asarray(rows, np.float64) ** 2).mean()))
