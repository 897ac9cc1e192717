"""Small untrained models, what they are tested on, and rows of tables that are measured on them."""

from functools import cache

import jax
import pandas as pd

from jaxpe.analysis import heads, raw_sum
from jaxpe.analysis.extraction import measure_extraction
from jaxpe.analysis.hidden import draw_probe_data
from jaxpe.study import run_configs
from jaxpe.study.presets import Preset
from jaxpe.training import parameters

HEAD_CASES = [("learned", "copy", "decoder"), ("sinusoidal", "reverse", "encoder")]
EXTRACTION_COLUMNS = {
    "experiment": "extraction", "task": "reverse", "architecture": "encoder", "positions": "arange", "train_length": 5,
    "test_length": 5, "length_baseline": 0.1, "order_blind_baseline": 0.3,
}  # fmt: skip


@cache
def open_model(encoding, task="reverse", architecture="encoder", layers=1, count=48):
    """A model of width 16 with two heads, and `count` examples."""
    sources = {}
    preset = Preset((), train_length=5, max_length_ratio=2.0, width=16, layers=layers)
    config = run_configs.make_run_config(preset, task, architecture, encoding, "arange", sources)
    source = run_configs.open_source(config, sources)
    return parameters.init_model(config, source.stream, 3), draw_probe_data(config, source, count)


def open_heads(encoding="learned", task="copy", architecture="decoder"):
    """A model of two layers and two heads, and 24 examples."""
    return open_model(encoding, task, architecture, layers=2, count=24)


def get_first(batch):
    """The first example of a batch."""
    return jax.tree.map(lambda leaf: leaf[0], batch)


def make_extraction_rows(measurements, encoding="learned", seeds=6):
    """Rows of several seeds; one model stands for all."""
    base = EXTRACTION_COLUMNS | {"encoding": encoding}
    return pd.DataFrame([base | {"seed": s, "value": v} | columns for s in range(seeds) for columns, v in measurements])


@cache
def measure_extraction_table(encoding="learned"):
    """Rows of six seeds of `reverse` in the encoder, as the experiment measures them, and of untrained tables."""
    model, probe_data = open_model(encoding)
    untrained = jax.tree.map(lambda leaf: leaf * 0.9, model)
    rows = make_extraction_rows(measure_extraction(model, untrained, probe_data, 0), encoding)
    return pd.concat([rows, measure_random_tables()])


@cache
def measure_random_tables():
    return pd.DataFrame(raw_sum.measure_random_tables(1, (4, 32)))


@cache
def measure_head_table():
    """Rows of three seeds of a decoder and an encoder; one model stands for all seeds."""
    rows = []
    for encoding, task, architecture in HEAD_CASES:
        model, probe_data = open_heads(encoding, task, architecture)
        words = [f"w{i}" for i in range(model.stack.embedding[...].shape[0])]
        untrained = jax.tree.map(lambda leaf: leaf * 0.9, model)
        measurements = heads.measure_heads(model, untrained, probe_data, with_maps=True, words=words)
        base = {"task": task, "architecture": architecture, "encoding": "learned", "positions": "arange"}
        base |= {"train_length": 5, "experiment": "structure"}
        rows += [base | {"seed": s, "value": v + 0.001 * s} | columns for s in range(3) for columns, v in measurements]
    return pd.DataFrame(rows)
