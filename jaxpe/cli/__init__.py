"""The command line: `jaxpe study` runs everything, `jaxpe run NAME` one experiment, `jaxpe COMMAND --help` says more.

Signals are handled and the surroundings settled before anything else is imported.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Callable

from jaxpe import surroundings
from jaxpe.errors import UserError
from jaxpe.surroundings import STOP

__all__ = ["main", "script"]


def main(arguments: list[str] | None = None) -> None:
    """The entry point of `jaxpe`."""

    def run() -> int:
        from jaxpe.cli.entry import dispatch

        return dispatch(sys.argv[1:] if arguments is None else arguments)

    exit_with(run)


def script(file: str) -> None:
    """The entry point of a file in experiments/: the same options and the same code as `jaxpe run`."""

    def run() -> int:
        from jaxpe.cli.entry import run_script

        return run_script(file, sys.argv[1:])

    exit_with(run)


def exit_with(function: Callable[[], int]) -> None:
    """Runs a command and exits with its code. An error that the user can mend is printed as one sentence."""
    STOP.install()
    try:
        code = call(function)
    except BaseException:
        if STOP.number is None:
            raise
        code = STOP.code  # a signal can surface as any error, where an import swallows it
    finally:
        STOP.restore()
    if code == STOP.code and STOP.number is not None:
        from jaxpe.cli.options import format_command

        print(f"jaxpe: stopped; finished work is kept. Resume with: {format_command()}", file=sys.stderr)
    sys.exit(max(code, flush_output()))


def call(function: Callable[[], int]) -> int:
    """The exit code of a command."""
    try:
        surroundings.settle()
        return function()
    except UserError as error:
        print(f"jaxpe: {error}", file=sys.stderr)
        return 2
    except SystemExit as end:  # tyro ends so after it has printed its help
        return end.code if isinstance(end.code, int) else 0
    except KeyboardInterrupt:
        STOP.number = STOP.number or signal.SIGINT
        return STOP.code
    except OSError as error:  # of the output itself: errors of files are UserErrors
        return explain_output_error(error)


def flush_output() -> int:
    """Writes what Python still holds. Returns 2 where there is no space for it, else 0: a closed pipe wants no more."""
    code = 0
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError as error:
            code = max(code, explain_output_error(error))
    return code


def explain_output_error(error: OSError) -> int:
    """The exit code where nothing more can be printed; what Python has not written yet goes nowhere."""
    if not isinstance(error, BrokenPipeError) and error.errno != errno.ENOSPC:
        raise error
    for stream in (sys.stdout, sys.stderr) if isinstance(error, BrokenPipeError) else (sys.stdout,):
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        except (OSError, ValueError):  # a stream without a file
            continue
    if isinstance(error, BrokenPipeError):
        return 0
    print("jaxpe: no space is left for the output: free some, or print elsewhere.", file=sys.stderr)
    return 2
