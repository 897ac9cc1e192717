"""How series look: told apart by colour, marker and dashes."""

from itertools import pairwise

from jaxpe import encodings
from jaxpe.figures import style


def test_every_encoding_has_its_own_colour_marker_and_dashes():
    """The core of the study differs in each of the three, the whole catalogue in all together."""
    styles = [style.find_style(name) for name in encodings.CATALOGUE]
    for part in range(3):
        assert len({str(one[part]) for one in styles[:7]}) == 7
    assert len({str(one) for one in styles}) == len(styles)
    for one, other in pairwise(styles):
        assert all(str(a) != str(b) for a, b in zip(one, other, strict=True))


def test_an_encoding_of_the_users_own_looks_the_same_by_name_and_by_path():
    assert style.find_style("path/to/mine.py:Mine") == style.find_style("Mine")
