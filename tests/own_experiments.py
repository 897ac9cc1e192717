"""Experiments of the user's own that train nothing, and what goes wrong in them."""

CONSTANT = '''"""Is it so?

Predicted: it is.
"""
from matplotlib.figure import Figure
from jaxpe.records.claims import Claim
from jaxpe.study.presets import Preset

ONE = Claim("one", "It is so.", "points", figure="a")
CLAIMS = (ONE,)
PRESETS = {"quick": Preset(())}


def measure(work, runs, preset):
    return [{"metric": "m", "value": 1.0, "seed": 0, "encoding": "none"}]


def claims(table):
    return [ONE.make_result("undecided", None)]


def figures(table):
    return {"a": Figure()}
'''
RETURN = '    return [{"metric": "m", "value": 1.0, "seed": 0, "encoding": "none"}]'


def write_experiment(path, *changes):
    """Writes the experiment with changes, each a pair of texts."""
    text = CONSTANT
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path
