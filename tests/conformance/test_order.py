"""Faults of order: declarations that measurements contradict, leaks of later tokens, padding, decoding."""

import pytest
from broken_encodings import assert_fault, name_broken

from jaxpe.conformance import suite


@pytest.mark.parametrize(
    ("class_name", "property_name", "message"),
    [
        (
            "MinForMax",
            "invariance",
            "declares .* 'relative below a length', but it is 'relative above a length'.* min .* max",
        ),
        ("CallsArange", "invariance", "but it is 'content'.* arange"),
        ("DeclaredRelative", "invariance", "= 'relative', but it is 'absolute': shifting all positions by 1"),
        ("ActsFarAway", "invariance", "but it is 'relative below a length': shifting all positions by 150 changes"),
        ("ChunksOf64", "invariance", "= 'content', but it is 'absolute': shifting the positions 7, 15 … 159 by 7"),
        ("DeclaredAbsolute", "invariance", "= 'absolute', but it is 'relative'"),
        ("DeclaredDirected", "left and right", "declares directed = True, but mirroring all positions changes nothing"),
    ],
)
def test_a_wrong_declaration_is_contradicted_by_a_measurement(class_name, property_name, message):
    assert_fault(class_name, property_name, message)


def test_an_encoding_whose_chunks_are_longer_than_training_is_absolute():
    """Contiguous positions of one chunk show nothing: only positions of several chunks do."""
    subjects = suite.make_subjects(name_broken("AbsoluteChunks")).subjects
    results = list(suite.measure_properties(subjects, ["invariance", "position range"]))
    assert [(result.measured, result.fault) for result in results] == [("absolute", ""), ("finite up to 319", "")]


@pytest.mark.parametrize(
    ("class_name", "message"),
    [
        ("LooksAhead", "the output of token [0-9]+ depends on the later token"),
        ("PositionsAhead", "changing the positions after token 5 changes the output"),
        ("BiasAhead", "the output of token [0-9]+ depends on the later token"),
    ],
)
def test_a_dependence_on_later_tokens_is_a_fault(class_name, message):
    assert_fault(class_name, "causality", message)


@pytest.mark.parametrize(
    ("class_name", "property_name", "message"),
    [
        ("CallsArange", "permutation", "depends on the order of the arrays"),
        ("SeesPadding", "padding", "padding changes the output of token"),
        ("NeighbourCode", "step-by-step decoding", "called with one query at a time"),
    ],
)
def test_a_dependence_on_the_arrays_is_a_fault(class_name, property_name, message):
    assert_fault(class_name, property_name, message)
