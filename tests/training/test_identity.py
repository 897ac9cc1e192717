"""The identity of a run."""

from dataclasses import fields, replace

from small_runs import CONFIG

from jaxpe.encodings.learned import Learned
from jaxpe.training.identity import compute_run_id
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
    "batching": "vmap",
    "scales": (1.0, 2.0),
    "training": replace(CONFIG.training, clip=2.0),
}


def test_every_field_and_the_seed_change_the_identity():
    """All but those of language tasks, which a synthetic task does not use."""
    source = load_source(CONFIG)
    identities = {compute_run_id(CONFIG, 0, source), compute_run_id(CONFIG, 1, source)}
    names = [field.name for field in fields(CONFIG) if field.name not in ("corpus", "vocabulary", "starts")]
    for name in names:
        config = replace(CONFIG, **{name: OTHER_VALUES.get(name) or 2 * getattr(CONFIG, name)})
        identities.add(compute_run_id(config, 0, load_source(config)))
    assert len(identities) == 2 + len(names)


def test_the_text_of_a_language_task_and_where_windows_start_change_the_identity():
    config = replace(CONFIG, task="masked_lm")
    source = load_source(CONFIG)._replace(digest="a")
    configs = [(config, source), (config, source._replace(digest="b")), (replace(config, starts="document"), source)]
    assert len({compute_run_id(config, 0, source) for config, source in configs}) == 3


def test_another_version_of_an_encoding_changes_the_identity(monkeypatch):
    source = load_source(CONFIG)
    before = compute_run_id(CONFIG, 0, source)
    monkeypatch.setattr(Learned, "version", Learned.version + 1)
    assert CONFIG.encoding == "learned" and compute_run_id(CONFIG, 0, source) != before
