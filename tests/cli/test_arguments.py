"""What a command takes, read from its signature, and the check of what was typed."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import pytest

from jaxpe.cli.arguments import Parameter, UnknownOption, check_arguments, list_parameters
from jaxpe.errors import UserError


@dataclass(frozen=True)
class Group:
    sizes: tuple[int, ...] = ()
    dry_run: bool = False
    shuffle: bool = True


def command(
    kind: Literal["a", "b"],
    files: tuple[str, ...] = (),
    /,
    for_: Annotated[Literal["web", "paper"], "a note"] = "web",
    rate: float | None = None,
    folder: Path = Path(),
    group: Group = Group(),
):
    """A command with every kind of parameter."""


PARAMETERS = list_parameters(command)


def check(*words):
    return check_arguments(PARAMETERS, "jaxpe command", words)


def test_parameters_are_read_from_the_signature_and_from_the_fields_of_a_dataclass():
    assert PARAMETERS[:3] == [
        Parameter("kind", str, ("a", "b"), False, True),
        Parameter("files", str, (), True, False),
        Parameter("--for", str, ("web", "paper"), False, False),
    ]
    names = [parameter.name for parameter in PARAMETERS[3:]]
    assert names == ["--rate", "--folder", "--sizes", "--dry-run", "--no-shuffle"]


def test_a_type_that_cannot_be_typed_is_refused():
    @dataclass
    class Odd:
        table: dict = None

    with pytest.raises(UserError, match="The option table has the type <class 'dict'>: use bool, int"):
        list_parameters(Odd)


@pytest.mark.parametrize(
    ("words", "checked"),
    [
        ("a", "a"),
        ("--rate .5 a x y --dry_run", "a x y --rate=.5 --dry-run"),
        ("a x,y --sizes 1,2 -3 --folder=--odd", "a x y --sizes 1 2 -3 --folder=--odd"),
        ("a --for paper --rate -1.5 b", "a b --for=paper --rate=-1.5"),
    ],
)
def test_positional_arguments_come_first_and_lists_are_split_at_commas(words, checked):
    assert check(*words.split()) == checked.split()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("", "`jaxpe command` is missing KIND. See `jaxpe command --help`."),
        ("c", "Unknown kind 'c'. Known: a, b."),
        ("a --for papr", "Unknown --for 'papr'. Did you mean 'paper'? See"),
        ("a --sizes 1 x", "--sizes takes a whole number, got 'x'."),
        ("a --rate fast", "--rate takes a number, got 'fast'."),
        ("a --rate", "--rate needs a value."),
        ("a --rate 1 --rate 2", "--rate is given more than once: list all of its values after one --rate."),
        ("a --dry-run --dry_run", "--dry_run is given more than once"),
        ("a --dry-run=yes", "--dry-run takes no value."),
        ("a --foldr x", "Unknown option '--foldr'. Did you mean '--folder'?"),
        ("a -x", "Unknown option '-x'"),
    ],
)
def test_a_wrong_argument_is_one_sentence_with_a_suggestion(words, says):
    with pytest.raises(UserError) as error:
        check(*words.split())
    assert says in str(error.value)


def test_a_word_too_many_is_named():
    with pytest.raises(UserError, match="`jaxpe list` does not take 'more'"):
        check_arguments([Parameter("kind", str, (), False, True)], "jaxpe list", ["tasks", "more"])


def test_an_unknown_option_can_be_told_from_other_mistakes():
    with pytest.raises(UnknownOption) as error:
        check("a", "--table=x")
    assert error.value.name == "--table"


def test_the_home_folder_is_expanded_where_no_shell_does_it(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    for words in (("--folder=~/a",), ("--folder", "~/a")):
        assert check("a", *words)[-1] == f"--folder={tmp_path}/a"
    assert check("a", "--folder=./~/a")[-1] == "--folder=./~/a"
    assert check("a", "--folder=~nobody-of-this-name/a")[-1] == "--folder=~nobody-of-this-name/a"
