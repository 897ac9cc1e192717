"""Tests of trained models: what identifies their scores, and other encodings in the place of the trained one."""

from dataclasses import replace

import numpy as np
import pytest

from jaxpe.errors import UserError
from jaxpe.study import scores
from jaxpe.study.scores import EvaluationConfig
from jaxpe.training.config import RunConfig
from jaxpe.training.scores import Scores
from jaxpe.training.sources import load_source

CONFIG = RunConfig("copy", "decoder", "rotary", 5, 40, width=16, heads=2, trained_positions=13)


def test_another_encoding_gets_the_trained_positions():
    other = scores.replace_encoding(replace(CONFIG, encoding_options=(("base", 9.0),)), "rotary_yarn")
    assert (other.encoding, other.encoding_options, other.trained_positions) == ("rotary_yarn", (), 13)
    assert scores.replace_encoding(CONFIG, None) == CONFIG


def test_every_field_of_a_test_identifies_its_scores():
    changes = {"shift": 1, "scaled": True, "snapshot": "25", "sampler": "randomized", "part": "validation"}
    keys = [
        EvaluationConfig().make_key(4, 16, 60),
        EvaluationConfig().make_key(5, 16, 60),
        EvaluationConfig().make_key(4, 8, 60),
    ]
    keys += [EvaluationConfig(**{name: value}).make_key(4, 16, 60) for name, value in changes.items()]
    keys.append(EvaluationConfig(encoding="alibi").make_key(4, 16, 60))
    assert len({str(sorted(key.items(), key=str)) for key in keys}) == len(keys) == 3 + len(EvaluationConfig().__dict__)


RANDOMIZED = replace(CONFIG, positions="randomized", position_options=(("limit", 40),))


def test_a_test_has_the_positions_of_training_unless_it_names_others():
    assert EvaluationConfig().resolve(CONFIG).sampler == "arange"
    assert EvaluationConfig().resolve(RANDOMIZED) == EvaluationConfig(sampler="randomized")
    assert EvaluationConfig(sampler="spread").resolve(RANDOMIZED).sampler == "spread"


def test_tables_name_the_positions_of_a_test():
    assert EvaluationConfig().name_positions(RANDOMIZED) == "randomized"
    assert EvaluationConfig(sampler="arange").name_positions(RANDOMIZED) == "arange"
    assert EvaluationConfig(shift=5).name_positions(CONFIG) == "shifted by 5"


@pytest.mark.parametrize(
    ("positions", "sampler"), [("offset", "arange"), ("randomized", "randomized"), ("arange", "arange")]
)
def test_as_published_a_model_with_random_starts_is_tested_from_0(positions, sampler):
    assert scores.make_published_test(replace(CONFIG, positions=positions)).sampler == sampler


def test_a_test_that_does_not_say_where_is_refused_unless_training_was_at_0_1_2():
    source = load_source(CONFIG)
    scores.check_test_positions(CONFIG, source, [5], EvaluationConfig())
    with pytest.raises(ValueError, match="a test of randomized positions must name its own"):
        scores.check_test_positions(RANDOMIZED, source, [5], EvaluationConfig())
    scores.check_test_positions(RANDOMIZED, source, [5], EvaluationConfig().resolve(RANDOMIZED))


def test_scores_of_0_1_2_are_stored_under_one_key_whether_or_not_the_sampler_is_named():
    assert EvaluationConfig().make_key(4, 16, 60) == EvaluationConfig().resolve(CONFIG).make_key(4, 16, 60)


def test_positions_that_no_shift_changes_cannot_be_shifted():
    with pytest.raises(ValueError, match="only arange positions can be shifted"):
        EvaluationConfig(shift=3).resolve(RANDOMIZED)


def test_scores_do_not_keep_the_padding():
    by_index = np.array([4.0, 4.0, 0.0, 2.0, 0.0, 0.0])
    trimmed = scores.trim_scores(Scores(*[np.float32(1)] * 7, *[by_index] * 4))
    assert trimmed.index_answers.tolist() == [4.0, 4.0, 0.0, 2.0] and trimmed.nats == 1


def test_validation_examples_come_from_the_training_part():
    source = load_source(CONFIG)._replace(train={"part": np.zeros(1)}, validation={"part": np.ones(1)})
    assert scores.select_data(CONFIG, source, "test") == (source.validation, "copy")
    assert scores.select_data(CONFIG, source, "validation") == (source.train, "copy validation")


def test_the_scaling_length_is_the_most_keys_seen_in_training():
    assert scores.find_scaling_length(CONFIG, load_source(CONFIG)) == max(load_source(CONFIG).stream.sizes(5))


@pytest.mark.parametrize("sampler", ["arange", "shifted", "randomized", "offset", "spread", "abacus", "coupled"])
def test_a_test_beyond_the_position_table_is_refused_at_any_positions(sampler):
    """Some would clip the positions, others read the last row of the table."""
    config = replace(CONFIG, encoding="learned")
    source, evaluation = load_source(config), EvaluationConfig(sampler=sampler)
    longest = max(source.stream.sizes(18))
    assert longest < config.table_length < max(source.stream.sizes(19)) + 1
    scores.check_test_positions(config, source, [18], evaluation)
    with pytest.raises(UserError, match="positions"):
        scores.check_test_positions(config, source, [20], evaluation)


def test_test_positions_lie_within_the_position_table():
    assert scores.build_test_sampler("arange", 40) is None
    assert scores.build_test_sampler("randomized", 40).limit == 40
