"""What is refused before anything compiles."""

from dataclasses import replace

import pytest
from small_runs import CONFIG
from support import ROOT

from jaxpe.data.language import TextStream
from jaxpe.errors import UserError
from jaxpe.training.checks import check_config
from jaxpe.training.config import Training
from jaxpe.training.sources import load_source

BROKEN_TASKS = ROOT / "tests" / "conformance" / "broken_tasks.py"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batching": "pmap"}, "Unknown batching 'pmap'"),
        ({"precision": "low"}, "Unknown precision 'low'"),
        (
            {"positions": "offset", "position_options": (("limit", 5),)},
            "limit of 5, but the longest input has 12 tokens",
        ),
        ({"positions": "offset", "position_options": (("limit", 90),)}, "has 60 positions, but training.*needs 90"),
        ({"task": "masked_lm", "train_length": 1}, "no example of length up to 1"),
    ],
)
def test_a_config_that_cannot_be_trained_is_refused(changes, message):
    source = load_source(CONFIG)
    if "task" in changes:
        source = source._replace(stream=TextStream("masked_lm", 50))
    with pytest.raises(UserError, match=message):
        check_config(replace(CONFIG, **changes), source)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"task": f"{BROKEN_TASKS}:OtherArchitecture"}, "architectures is .*decodr.*, but must be a tuple"),
        ({"task": f"{BROKEN_TASKS}:NoSummary"}, "summary is missing, but must be of type str"),
        ({"task": "causal_lm"}, "causal_lm is not defined for the encoder; it is for decoder"),
        ({"task": "revers"}, "Did you mean 'reverse'"),
    ],
)
def test_a_task_that_the_architecture_does_not_have_is_refused(changes, message):
    with pytest.raises(UserError, match=message):
        load_source(replace(CONFIG, **changes))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"steps": 0}, "steps must be at least 1"),
        ({"learning_rate": 0.0}, "above 0"),
        ({"decay": "step"}, "decay 'step'"),
    ],
)
def test_training_values_outside_their_range_are_refused(values, message):
    with pytest.raises(UserError, match=message):
        Training(**values)


def test_an_encoding_of_ones_own_without_a_hook_is_refused(tmp_path):
    file = tmp_path / "mine.py"
    methods = {
        "Misspelt": "biass(self, q, k, view): return None",
        "Scheduled": "at(self, block, progress): return self",
    }
    lines = [f"class {name}(Encoding):\n    def {method}" for name, method in methods.items()]
    file.write_text("from jaxpe.encodings import Encoding\n" + "\n".join(lines) + "\n")
    source = load_source(CONFIG)
    with pytest.raises(UserError, match=r"'Misspelt' has none of the methods embed, .* misspelt"):
        check_config(replace(CONFIG, encoding=f"{file}:Misspelt"), source)
    for name in (f"{file}:Scheduled", "none"):
        check_config(replace(CONFIG, encoding=name), source)
