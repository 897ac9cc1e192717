"""Help: colours in a terminal, none elsewhere or where they are not wanted."""

import os
import subprocess
import sys

import pytest
from command_line import ENVIRONMENT, call_jaxpe

from jaxpe.cli.options import RunOptions
from jaxpe.cli.parsing import parse


def test_names_are_parsed_as_plain_text():
    options = parse(RunOptions, "jaxpe", "", ["--encodings", "mine.py:Mine", "--preset", "smoke"])
    assert options == RunOptions(encodings=("mine.py:Mine",), preset="smoke")
    assert type(options.preset) is type(options.encodings[0]) is str


@pytest.mark.parametrize("wanted", ["", "1"])
def test_help_says_defaults_and_values(capsys, monkeypatch, wanted):
    monkeypatch.setenv("NO_COLOR", wanted)
    code, page, _ = call_jaxpe(capsys, "study", "--help")
    assert code == 0 and "--encodings ENCODING ..." in page and "as in the preset)" in page and "\x1b" not in page


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
def test_help_has_colours_in_a_terminal_and_none_where_they_are_not_wanted():
    import pty

    pages = {}
    for no_color in ("", "1"):
        main, side = pty.openpty()
        environment = ENVIRONMENT | {"TERM": "xterm-256color", "NO_COLOR": no_color}
        subprocess.run([sys.executable, "-m", "jaxpe", "list", "--help"], stdout=side, env=environment, check=True)
        os.close(side)
        pages[no_color] = os.read(main, 65536)
        os.close(main)
    assert b"\x1b[" in pages[""] and b"\x1b[" not in pages["1"] and b"jaxpe list encodings" in pages["1"]
