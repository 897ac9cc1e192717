"""The figures of extraction are functions of its table."""

import pytest
from probed_models import measure_extraction_table

from jaxpe.figures import extraction

pytestmark = pytest.mark.xdist_group("extraction")  # whose table is measured once
BY_LAYER = ("probes", "new_places", "places", "mixing")


@pytest.mark.parametrize(
    ("encoding", "more"),
    [
        ("learned", {"attention", "heads"}),
        ("sinusoidal", {"attention", "heads", "rotation"}),
        ("none", {"attention", "heads"}),
    ],
)
def test_figures_are_functions_of_the_table(encoding, more):
    figures = extraction.draw_all(measure_extraction_table(encoding))
    names = {f"{name}_reverse_encoder" for name in {*BY_LAYER, *more} - {"rotation"}}
    assert set(figures) == {"readers", "noise"} | names | ({"rotation"} & more)
