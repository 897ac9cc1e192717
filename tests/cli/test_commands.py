"""All commands: their help, their examples, and what they import."""

import functools
import inspect
import re
import shlex
import subprocess
import sys

import pytest
from command_line import call_jaxpe, run_jaxpe
from support import ROOT

from jaxpe.cli import commands, experiment_options
from jaxpe.cli.arguments import list_parameters
from jaxpe.cli.examples import EXAMPLES
from jaxpe.cli.options import RunOptions


@pytest.mark.parametrize("name", commands.COMMANDS)
def test_every_command_shows_examples_that_parse(name, monkeypatch, capsys):
    """Each is called with what the example says, instead of being run."""
    calls = []

    @functools.wraps(commands.COMMANDS[name])
    def record_call(*arguments, **options):
        calls.append((arguments, options))
        return 0

    examples = [line for line in EXAMPLES[name] if line.startswith("jaxpe")]
    code, page, _ = call_jaxpe(capsys, name, "--help")
    assert code == 0 and all(line in page for line in EXAMPLES[name])
    monkeypatch.setitem(commands.COMMANDS, name, record_call)
    monkeypatch.setattr(experiment_options, "run_experiments", record_call)
    for example in examples:
        words = shlex.split(example.partition(" >")[0], comments=True)
        assert call_jaxpe(capsys, *words[1:]).code == 0
    assert len(calls) == len(examples) > 0


@pytest.mark.parametrize("name", commands.COMMANDS)
def test_every_option_is_explained(name, capsys):
    """Its name and values are followed by words, on one line for completion scripts, and by no empty default."""
    page = " ".join(re.sub("[│|]", "", call_jaxpe(capsys, name, "--help").out).split())
    assert not re.search(r"default: (None|False|)\)", page)
    for parameter in list_parameters(commands.COMMANDS[name]):
        text = page.rpartition(f" {parameter.name} " if parameter.takes_value else f" {parameter.name}")[2]
        assert parameter.name in page or not parameter.name.startswith("--")
        assert len(re.split(r" --|╯", text)[0].split()) >= 3 or not parameter.name.startswith("--"), parameter
    docs = [inspect.getdoc(commands.COMMANDS[name]), inspect.getsource(RunOptions)]
    assert not any(re.search(r"\n {12,}\S", doc) for doc in docs)


def test_help_names_every_command_and_imports_nothing_slow():
    code = (
        "import sys\nfrom jaxpe import cli\nfrom jaxpe.cli import commands\n"
        "for words in [['--help'], *[[name, '--help'] for name in commands.COMMANDS]]:\n"
        "    try: cli.main(words)\n    except SystemExit as end: assert not end.code\n"
        "assert not {'jax', 'matplotlib', 'datasets', 'pandas', 'scipy'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert all(f"usage: jaxpe {name}" in done.stdout for name in commands.COMMANDS)


def test_the_readmes_commands_exist(capsys):
    """Every `jaxpe …` line of the README names a command, and options that the command has."""
    lines = [line.split("#")[0].split() for line in (ROOT / "README.md").read_text().splitlines()]
    examples = [words[1:] for words in lines if words[:1] == ["jaxpe"]]
    assert examples and {words[0] for words in examples} <= set(commands.COMMANDS)
    for words in examples:
        own = words[1:2] if words[0] == "run" else []
        code, page, _ = call_jaxpe(capsys, words[0], *own, "--help")
        assert code == 0 and all(word.split("=")[0] in page for word in words if word.startswith("--"))


def test_the_package_runs_as_a_module():
    done = run_jaxpe("--version")
    assert done.code == 0 and done.out.startswith("jaxpe ")
