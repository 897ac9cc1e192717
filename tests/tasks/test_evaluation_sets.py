"""Evaluation sets are the committed ones, and are exported as they are evaluated."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from task_samples import build, draw, draw_lists

from jaxpe import tasks
from jaxpe.tasks import evaluation_sets

DIGESTS = json.loads((Path(tasks.__file__).parent / "digests.json").read_text())


@pytest.mark.parametrize("name", tasks.CATALOGUE)
def test_evaluation_sets_are_the_committed_ones(name):
    if name not in DIGESTS:
        lengths = [length for length in (5, 10) if length in build(name).lengths(1, 10)]
        new = {str(length): evaluation_sets.hash_examples(name, build(name), length) for length in lengths}
        row = {name: {"version": build(name).version, "digests": new}}
        pytest.fail(f"add to jaxpe/tasks/digests.json: {json.dumps(row)}")
    assert DIGESTS[name]["version"] == build(name).version
    for length, digest in DIGESTS[name]["digests"].items():
        examples = draw(name, int(length), 256)
        assert hashlib.sha256(b"".join(np.asarray(part, "<i4").tobytes() for part in examples)).hexdigest() == digest


def test_a_digest_is_that_of_the_examples():
    assert evaluation_sets.hash_examples("reverse", build("reverse"), 5) == DIGESTS["reverse"]["digests"]["5"]


def test_an_export_holds_what_is_evaluated(tmp_path):
    import datasets

    path = evaluation_sets.export_evaluation_set("reverse", tmp_path, lengths=(4, 6), count=8, train_length=10)
    rows = datasets.Dataset.from_parquet(str(path), cache_dir=str(tmp_path))
    assert [(row["x"], row["y"]) for row in rows] == draw_lists("reverse", 4, 8) + draw_lists("reverse", 6, 8)
    card = json.loads((tmp_path / "reverse.json").read_text())
    assert card["lengths"][0]["length_baseline"]["token_accuracy"] == 0.1
