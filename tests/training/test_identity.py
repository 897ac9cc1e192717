"""The identity of a run."""

import json
import sys
from dataclasses import fields, replace
from functools import partial

import jax
import pytest
from small_runs import CONFIG

from jaxpe import encodings, tasks
from jaxpe.data.corpus import TOKENIZERS
from jaxpe.devices import use_precision
from jaxpe.encodings.rotary import Rotary
from jaxpe.errors import UserError
from jaxpe.records.provenance import collect_versions
from jaxpe.tasks.counting import Majority
from jaxpe.training.identity import compute_run_id, describe_run
from jaxpe.training.sources import load_source

OTHER_VALUES = {
    "task": "copy",
    "architecture": "decoder",
    "encoding": "none",
    "positions": "offset",
    "precision": "high",
    "position_options": (("limit", 60),),
    "task_options": (("alphabet", 5),),
    "encoding_options": (("scale", 0.5),),
    "trained_positions": 7,
    "batching": "vmap",
    "scales": (1.0, 2.0),
    "training": replace(CONFIG.training, clip=2.0),
}

OF_TEXT = ("corpus", "text_column", "tokenizer", "vocabulary", "starts")

# Settings of JAX, and a value that no result is made with.
OTHER_SETTINGS = {
    "jax_enable_x64": True,
    "jax_default_prng_impl": "rbg",
    "jax_threefry_partitionable": False,
    "jax_random_seed_offset": 1,
    "jax_default_matmul_precision": "bfloat16",
    "jax_numpy_dtype_promotion": "strict",
    "jax_disable_jit": True,
    "jax_optimization_level": "O1",
}


def test_every_field_and_the_seed_change_the_identity():
    """All but those of language tasks, which a synthetic task does not use."""
    source = load_source(CONFIG)
    identities = {compute_run_id(CONFIG, 0, source), compute_run_id(CONFIG, 1, source)}
    names = [field.name for field in fields(CONFIG) if field.name not in OF_TEXT]
    for name in names:
        config = replace(CONFIG, **{name: OTHER_VALUES.get(name) or 2 * getattr(CONFIG, name)})
        identities.add(compute_run_id(config, 0, load_source(config)))
    assert len(identities) == 2 + len(names)


def test_the_text_of_a_language_task_and_where_windows_start_change_the_identity():
    config = replace(CONFIG, task="masked_lm")
    source = load_source(CONFIG)._replace(digest="a")
    configs = [(config, source), (config, source._replace(digest="b")), (replace(config, starts="document"), source)]
    assert len({compute_run_id(config, 0, source) for config, source in configs}) == 3


def test_the_column_of_a_text_changes_the_identity_where_it_changes_the_text(tmp_path):
    rows = [{"text": f"a stone {i}", "body": f"another {i}", "same": f"a stone {i}"} for i in range(2400)]
    (tmp_path / "book.jsonl").write_text("\n".join(map(json.dumps, rows)))
    config = replace(
        CONFIG, task="causal_lm", architecture="decoder", corpus=str(tmp_path / "book.jsonl"), vocabulary=260
    )
    first, text, body, same = (identify(replace(config, text_column=column)) for column in ("", "text", "body", "same"))
    assert first == text == same != body


def test_the_tokenizer_changes_the_identity(tmp_path):
    (tmp_path / "book.txt").write_text("\n".join(f"a stone {i}" for i in range(2400)))
    config = replace(
        CONFIG, task="causal_lm", architecture="decoder", corpus=str(tmp_path / "book.txt"), vocabulary=257
    )
    assert len({identify(replace(config, tokenizer=name)) for name in TOKENIZERS}) == len(TOKENIZERS) == 3


def identify(config=CONFIG, seed=0):
    return compute_run_id(config, seed, load_source(config))


@pytest.mark.parametrize("encoding", ["none", "sinusoidal", "rotary", "fire", "scalar", "learned", "drop"])
def test_the_length_of_the_table_counts_for_encodings_that_read_it_alone(encoding):
    config = replace(CONFIG, encoding=encoding, trained_positions=20)
    assert (identify(config) != identify(replace(config, table_length=99))) == (encoding == "learned")


def test_an_encoding_that_keeps_its_context_and_reads_the_length_later_is_noticed(tmp_path):
    path = tmp_path / "kept.py"
    path.write_text(
        "from jaxpe.encodings import Encoding\n"
        "class Kept(Encoding):\n    def __init__(self, context, *, key):\n        self.kept = context\n"
        "    def embed(self, x, positions):\n        return x + positions[:, None] / self.kept.max_length\n"
        "class Blind(Encoding):\n    def __init__(self, context, *, key):\n        self.kept = context.heads\n"
    )
    for name, counts in (("Kept", True), ("Blind", False)):
        config = replace(CONFIG, encoding=f"{path}:{name}")
        assert (identify(config) != identify(replace(config, table_length=99))) == counts


@pytest.mark.parametrize(
    ("encoding", "counts"), [("none", False), ("cope", False), ("sinusoidal", True), ("rotary", True)]
)
def test_the_sampler_counts_where_positions_do_anything(encoding, counts):
    """CoPE counts tokens by their content: the positions that a sampler gives change nothing."""
    config = replace(CONFIG, encoding=encoding, architecture="decoder", task="copy")
    offset = replace(config, positions="offset", position_options=(("limit", 60),))
    assert (identify(config) != identify(offset)) == counts


def test_the_code_of_an_encoding_its_helpers_and_what_is_bound_in_it_change_the_identity(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    path = tmp_path / "enc.py"
    text = (
        "from functools import partial\nfrom identity_helper import BASE\nfrom jaxpe.encodings.rotary import Rotary\n"
        "class Mine(Rotary):\n    'Doc.'\nbound = partial(Rotary, base=500.0)\n"
    )
    path.write_text(text)
    (tmp_path / "identity_helper.py").write_text("BASE = 1\n")
    mine, bound = (replace(CONFIG, encoding=f"{path}:{name}") for name in ("Mine", "bound"))
    ids = {identify(CONFIG), identify(mine), identify(bound)}
    path.write_text(text.replace("500.0", "5.0"))
    ids |= {identify(mine), identify(bound)}
    (tmp_path / "identity_helper.py").write_text("BASE = 2\n")
    ids |= {identify(mine), identify(bound)}
    assert len(ids) == 7
    before = identify(mine)
    path.write_text("# a comment\n" + text.replace("500.0", "5.0").replace("Doc.", "Another."))
    assert identify(mine) == before
    moved = tmp_path / "folder" / "enc.py"
    moved.parent.mkdir()
    path.rename(moved)
    assert identify(replace(mine, encoding=f"{moved}:Mine")) == before


def test_what_a_row_of_a_catalogue_fixes_changes_the_identity(monkeypatch):
    configs = [replace(CONFIG, encoding="rotary_scaled"), replace(CONFIG, task="majority_26")]
    before = [identify(config) for config in configs]
    monkeypatch.setitem(encodings.CATALOGUE, "rotary_scaled", partial(Rotary, base=50.0))
    monkeypatch.setitem(tasks.CATALOGUE, "majority_26", partial(Majority, alphabet=25))
    assert all(identify(config) != old for config, old in zip(configs, before, strict=True))


@pytest.mark.parametrize(("name", "value"), [*OTHER_SETTINGS.items()])
def test_settings_of_jax_that_change_numbers_are_refused(name, value, monkeypatch):
    if name not in jax.config.values:
        pytest.skip("this version of JAX does not have it")
    before = jax.config.values[name]
    before = getattr(before, "value", before)
    jax.config.update(name, value)
    try:
        with pytest.raises(UserError, match=f"{name} is .*prepare_jax"):
            identify()
    finally:
        jax.config.update(name, before)
    assert identify()


def test_backend_division_over_devices_and_flags_of_xla_are_part_of_the_identity(monkeypatch):
    ids = {identify()}
    monkeypatch.setenv("XLA_FLAGS", "--xla_dump_to=/tmp/x --xla_force_host_platform_device_count=3")
    ids.add(identify())
    assert len(ids) == 1
    monkeypatch.setenv("XLA_FLAGS", "--xla_cpu_enable_fast_math=true")
    ids.add(identify())
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    ids.add(identify())
    monkeypatch.setattr(jax, "local_device_count", lambda: 1)
    ids.add(identify())
    assert len(ids) == 4


def test_versions_and_the_kind_of_device_are_recorded_instead(tmp_path):
    """They cannot be chosen freely, and a study may go on after an update: `jaxpe.study.mixture` says so then."""
    assert {"python", "jax", "jaxlib", "flax", "optax", "numpy"} <= set(collect_versions())
    assert not any(
        "version" in key and key != "format_version" and key != "task_version"
        for key in describe_run(CONFIG, 0, load_source(CONFIG))
    )


def test_a_precision_that_jaxpe_itself_sets_is_none_of_the_surroundings():
    before = identify()
    with use_precision("highest"):
        assert identify() == before
    with jax.default_matmul_precision("highest"), pytest.raises(UserError, match="jax_default_matmul_precision"):
        identify()


def test_the_code_and_the_options_of_a_task_of_ones_own_change_the_identity_and_its_place_does_not(tmp_path):
    path = tmp_path / "task.py"
    text = "from jaxpe.tasks.copying import Reverse\nclass Mine(Reverse):\n    'Doc.'\n    version = 1\n"
    path.write_text(text)
    mine = replace(CONFIG, task=f"{path}:Mine")
    ids = [identify(), identify(mine)]
    path.write_text(text.replace("    version = 1", "    counting = False"))
    ids.append(identify(mine))
    assert len(set(ids)) == 3 and identify(replace(mine, task_options=(("alphabet", 4),))) not in ids
    moved = tmp_path / "folder" / "task.py"
    moved.parent.mkdir()
    path.rename(moved)
    assert identify(replace(mine, task=f"{moved}:Mine")) == ids[-1]
