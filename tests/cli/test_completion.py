"""Completion: the script of each shell, and what bash offers with it."""

import shlex
import shutil
import subprocess

import pytest
from command_line import call_jaxpe

from jaxpe.cli.commands import COMMANDS
from jaxpe.cli.completion import print_script


@pytest.fixture(scope="module")
def bash_script(tmp_path_factory):
    path = tmp_path_factory.mktemp("completion") / "script"
    with pytest.MonkeyPatch.context() as patch, path.open("w") as file:
        patch.setattr("sys.stdout", file)
        with pytest.raises(SystemExit) as end:
            print_script("bash", COMMANDS)
    assert not end.value.code
    return path


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")
@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("pl", "plot"),
        ("plot --fo", "--for --font"),
        ("plot --for pa", "paper"),
        ("compare --out", "--output"),
        ("scorecard alibi --against none ker", "kerple"),
        ("study --preset st", "standard"),
        ("run accuracy --tasks rev", "reverse"),
        ("run accuracy --tasks tran", "translation"),
        ("run accuracy --architectures en", "encoder encoder_decoder"),
        ("run pretrained --tab", "--table"),
    ],
)
def test_bash_completes_commands_options_and_names(bash_script, line, expected):
    words = ["jaxpe", *line.split(" ")]
    command = f"COMP_WORDS=({shlex.join(words)}); COMP_CWORD={len(words) - 1}; _tyro_jaxpe; echo ${{COMPREPLY[@]}}"
    done = subprocess.run(["bash", "-c", f"source {bash_script}; {command}"], capture_output=True, text=True)
    assert done.stdout.strip() == expected, done.stderr


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_get_a_script_of_their_own(capsys, shell):
    code, script, _ = call_jaxpe(capsys, "completion", shell)
    head = {"zsh": "#compdef jaxpe", "fish": "complete --no-files --command"}[shell]
    assert code == 0 and head in script
