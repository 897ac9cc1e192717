"""The conformance suite over the catalogue, on encodings with one fault each, and as the command `jaxpe check`."""

import json
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from jaxpe import encodings
from jaxpe.cli import check
from jaxpe.conformance import subject, suite
from jaxpe.errors import UserError

BROKEN = Path(__file__).with_name("broken_encodings.py")
# Tier 0, one that rotates and one that biases; the others are slow tests.
FAST = ("none", "sinusoidal", "learned", "sinusoidal_paper", "learned_bert", "rotary", "alibi")


def catalogue():
    """Every property of every encoding."""
    for name in encodings.CATALOGUE:
        marks = [pytest.mark.xdist_group(f"conformance-{name}")] + ([] if name in FAST else [pytest.mark.slow])
        for one in suite.PROPERTIES:
            yield pytest.param(name, one, marks=marks, id=f"{name}-{one.replace(' ', '_')}")


@cache
def built(name):
    """The encoding in every config; its group of tests runs in one worker."""
    return suite.settings_of(name)[0]


@pytest.mark.parametrize(("name", "one"), list(catalogue()))
def test_every_encoding_of_the_catalogue_has_every_property(name, one):
    assert [row.fault for row in suite.examine(built(name), [one]) if row.fault] == []


FAULTS = [
    ("ClampedTable", "range", "all positions from 39 on have the same code: is an index clamped"),
    ("WrongLimit", "range", "all positions from 99 on"),
    ("NoPositions", "range", "position_limit is 10, but it was built for max_length = 320"),
    ("NotFinite", "range", "what embed returned is not finite: nan at position 303"),
    ("NarrowAngles", "range", "positions 256 and 257 have the same code: are positions rounded"),
    ("SwappedSign", "reference", "the negative agrees. Is a sign swapped"),
    ("SwappedDistance", "reference", "agrees with r = j − i"),
    ("BeforeScaling", "reference", "Is it added before the scaling"),
    ("DividedTable", "reference", "Is it added before the scaling"),
    ("OtherPairs", "reference", "Which pairing is meant"),
    ("CountsFromOne", "reference", "Are positions counted from 1"),
    ("HalfTheCode", "reference", "it is 0.5 times the reference"),
    ("MinForMax", "reference", "bias differs from reference_bias by .* at query position 1, key position 0"),
    ("MinForMax", "invariance", "declared 'relative below a length', measured 'relative above a length'.* min .* max"),
    ("ReferenceAsksTooMuch", "reference", "asks for `slope`"),
    ("BaseNotPassedOn", "options", "option `base` changes nothing: is it passed on"),
    ("LooksAhead", "leak of the future", "the output at token [0-9]+ depends on the later token"),
    ("PositionsAhead", "leak of the future", "the positions after 5 change the output"),
    ("BiasAhead", "leak of the future", "the output at token [0-9]+ depends on the later token"),
    ("ArrayConstant", "parameters", "`frequencies` is an array but no nnx.Param, so it would be trained unseen"),
    ("MixedTypes", "promotion of dtypes", r"dtypes are mixed without a cast \(broken_encodings.py, line [0-9]+"),
    ("NarrowCode", "shapes and dtypes", r"embed returned the shape \(5, 31\)"),
    ("WrongNumberOfHeads", "shapes and dtypes", r"bias returned the shape \(5, 3, 5\)"),
    ("HalfPrecision", "shapes and dtypes", "embed returned bfloat16"),
    ("DeadParameter", "gradients", "`constant` has no gradient"),
    ("NanGradient", "gradients", "the gradient of `power` is not finite"),
    ("GlobalDraw", "initialisation", "`table` differs between two instances of the same key"),
    ("CallsArange", "invariance", "measured 'content'.* arange"),
    ("CallsArange", "looks at", "order of the arrays counts"),
    ("DeclaredRelative", "invariance", "declared 'relative', measured 'absolute': shifting all positions by 1"),
    ("DeclaredAbsolute", "invariance", "declared 'absolute', measured 'relative'"),
    (
        "DeclaredDirected",
        "left from right",
        "declared directed = True, measured: mirroring all positions changes nothing",
    ),
    ("DeclaredNorms", "norms", "declared keeps_norms = True, measured: norms are changed"),
    ("SeesPadding", "padding", "padding changes the output of the real token"),
    ("NeighbourCode", "step by step = full", "called step by step with one query"),
    ("Rounds", "fractional positions", "is it rounded"),
    ("NarrowDistances", "large positions", "at positions up to 100000 bias is off by"),
    ("CannotBeMapped", "vmap = loop", "ConcretizationTypeError"),
    ("CountsCalls", "jit = no jit", "bias differs by"),
    ("OnlyOnCPU", "lowers for", "does not lower for an accelerator"),
]


@pytest.mark.parametrize(("name", "one", "says"), FAULTS, ids=[f"{name}-{one.split()[0]}" for name, one, _ in FAULTS])
def test_a_broken_encoding_fails_with_the_name_of_its_fault(name, one, says):
    (fault,) = suite.faults(f"{BROKEN}:{name}", [one])
    assert re.search(says, fault), fault
    assert "broken_encodings.py, line" in fault or ".py, line" in fault or name == "ReferenceAsksTooMuch"


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("FailsInConstructor", r"RuntimeError: no such thing \(broken_encodings.py, line [0-9]+\)"),
        ("FailsBidirectional", r"KeyError: 'bidirectional' \(broken_encodings.py, line [0-9]+\)"),
        ("WrongSignature", r"takes 2 positional arguments but 3 were given \(broken_encodings.py, line [0-9]+\)"),
        ("WrongConstructor", r"TypeError: .*\(broken_encodings.py, line [0-9]+\)"),
        ("RaisesInHook", r"NameError: name 'undefined_name' is not defined \(broken_encodings.py, line [0-9]+\)"),
    ],
)
def test_what_cannot_be_built_or_called_is_one_sentence_with_the_line(name, says):
    with pytest.raises(UserError, match=says):
        check.print_card(f"{BROKEN}:{name}", 32, 4, True)


def test_a_constructor_that_hangs_is_stopped_and_its_line_named(monkeypatch):
    monkeypatch.setattr(check, "BUILD_SECONDS", 0.3)
    with pytest.raises(UserError, match=r"took longer than 0.3 s \(broken_encodings.py, line [0-9]+\)"):
        check.print_card(f"{BROKEN}:HangsInConstructor", 32, 4, True)


def test_heads_that_do_not_divide_the_width_are_refused():
    with pytest.raises(UserError, match="32 is not divisible by 5 heads"):
        suite.settings_of("none", 32, 5)


def test_the_card_says_what_was_measured_and_ends_with_a_verdict(capsys):
    assert check.print_card("sinusoidal", 32, 4, False) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.split() == ["acts", "on", "embed", "ok"] for line in lines)
    assert any(line.startswith("invariance") and "absolute" in line for line in lines)
    assert lines[-1] == f"all {len(suite.PROPERTIES)} properties hold"


def test_a_failed_property_is_exit_code_3_and_stands_in_the_json(capsys):
    assert check.print_card(f"{BROKEN}:NarrowCode", 32, 4, True) == 3
    card = json.loads(capsys.readouterr().out)
    assert not card["holds"] and [row["name"] for row in card["properties"]] == ["shapes and dtypes"]
    assert check.print_card(f"{BROKEN}:NarrowCode", 32, 4, False) == 3
    assert "FAILED: embed returned the shape" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "code", "says"), [("NarrowCode", 3, "FAILED: embed"), ("RaisesInHook", 2, "NameError")]
)
def test_the_command_exits_with_3_where_a_property_fails_and_2_where_nothing_can_be_measured(name, code, says):
    command = [sys.executable, "-m", "jaxpe", "check", f"{BROKEN}:{name}"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=BROKEN.parents[1])
    assert done.returncode == code and says in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_a_setting_that_is_refused_is_said_and_no_failure():
    found, refused = suite.settings_of(f"{BROKEN}:CausalOnly")
    assert [one.attention for one in found] == ["causal"]
    assert "take another" in refused["bidirectional"]
    assert any("take another" in row.measured for row in suite.about("mine", found, refused))


def test_cross_attention_is_measured_where_the_class_has_it():
    found, _ = suite.settings_of(f"{BROKEN}:AlsoAcross")
    assert [one.attention for one in found] == ["causal", "bidirectional", "cross"]


def test_the_card_says_where_there_is_no_reference():
    found, _ = suite.settings_of(f"{BROKEN}:AlsoAcross")
    (row,) = suite.examine(found, ["reference"])
    assert row.measured == "no reference of bias: properties only" and not row.fault


def test_numbers_that_differ_between_settings_are_told_once():
    finding = subject.Finding
    row = suite.together("x", {"causal": finding("off by 1e-05"), "bidirectional": finding("off by 2e-06")})
    assert row.measured == "off by 1e-05"
    row = suite.together("x", {"causal": finding("yes"), "bidirectional": finding("no", "wrong")})
    assert row == ("x", "causal: yes; bidirectional: no", "bidirectional: wrong")


def test_the_layer_is_the_models_attention():
    """The suite measures the attention that is trained: `attend` ≡ `jaxpe.model.MultiHeadAttention`."""
    import jax

    from jaxpe import model

    attention = model.MultiHeadAttention(32, 4, key=jax.random.key(0))
    one = subject.subject("sinusoidal", "causal", 32, 4)
    inputs = subject.given(32, 4)._replace(
        query=attention.query[...], key=attention.key[...], value=attention.value[...]
    )
    mask, places = subject.visible("causal"), jnp.asarray(subject.PLACES)
    seen = subject.eager_layer(one.encoding, inputs, places, mask)
    view = model.View(places, places, jnp.asarray(mask))
    out, record = attention(seen.embedded, *attention.project_keys_values(seen.embedded), one.encoding, view)
    np.testing.assert_allclose(seen.logits, record.logits, atol=1e-5)
    np.testing.assert_allclose(jnp.einsum("thk,hkd->td", seen.out, attention.out[...]), out, atol=1e-5)
