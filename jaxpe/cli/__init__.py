"""The command line: `jaxpe study` runs everything, `jaxpe run NAME` one experiment, `jaxpe COMMAND --help` says more."""

from jaxpe.cli.entry import main, script

__all__ = ["main", "script"]
