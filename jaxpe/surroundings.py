"""One known state for what surrounds a command: environment, streams, locale and signals. It comes before everything else.

JAX reads its settings from the environment when it is imported, matplotlib its style from a file, Python its encoding from the
locale. A study must give the same numbers, tables and figures under every shell profile, so `settle` removes what would change
them. Code that uses jaxpe as a library keeps its own surroundings; `jaxpe.devices.require_settings` checks there what can
change a number.
"""

from __future__ import annotations

import atexit
import io
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable
from types import FrameType

from jaxpe.errors import UserError

# Variables of JAX that no number depends on. All others are removed.
HARMLESS = (
    "JAX_PLATFORMS", "JAX_PLATFORM_NAME", "JAX_CUDA_VISIBLE_DEVICES", "JAX_ROCM_VISIBLE_DEVICES", "JAX_LOG", "JAX_TRACEBACK",
    "JAX_COMPILATION_CACHE", "JAX_ENABLE_COMPILATION_CACHE", "JAX_PERSISTENT_CACHE", "JAX_RAISE_PERSISTENT_CACHE", "JAX_DUMP_IR",
    "JAX_DEBUG_LOG", "JAX_EXPLAIN_CACHE_MISSES", "JAX_COORDINATOR", "JAX_PROCESS_ID", "JAX_NUM_PROCESSES",
)  # fmt: skip
NUMERIC = ("NVIDIA_TF32_OVERRIDE", "TF_XLA_FLAGS")  # of other libraries, which change numbers
DRAWING = ("MATPLOTLIBRC", "MPLBACKEND", "SOURCE_DATE_EPOCH")
STOPS = ("SIGINT", "SIGTERM", "SIGHUP")
MOMENT = 0.05  # seconds
CAN_WAIT = hasattr(signal, "setitimer")  # not on Windows
RESTARTED = "JAXPE_RESTARTED_IN_UTF8"


def settle() -> None:
    """Brings about the known state. Call it first in a process. Raises UserError where the current folder is gone."""
    open_closed_streams()
    try:
        os.getcwd()
    except OSError:
        raise UserError("The current folder no longer exists: change to another one.") from None
    restart_in_utf8()
    for stream in (sys.stdout, sys.stderr):  # a terminal without a character shows ? instead
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    if sys.warnoptions:  # PYTHONWARNINGS=error would turn a library's warning into a fault
        sys.warnoptions.clear()
        warnings.resetwarnings()
        warnings.simplefilter("ignore")
    if ignored := clean_environment():
        print(f"jaxpe: {', '.join(ignored)} is ignored: results do not depend on the environment.", file=sys.stderr)


def open_closed_streams() -> None:
    """Opens /dev/null in place of closed standard streams, whose numbers the next opened file would get."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115


def restart_in_utf8() -> None:
    """Starts the same command again in Python's UTF-8 mode where the locale has another encoding for names of files."""
    is_utf8 = sys.getfilesystemencoding().lower().replace("-", "") == "utf8"
    if is_utf8 or RESTARTED in os.environ or not sys.orig_argv:
        return
    environment = os.environ | {"PYTHONUTF8": "1", RESTARTED: "1"}
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environment)


def clean_environment() -> list[str]:
    """Removes the variables that would change numbers or figures, and returns the names of those that change numbers."""
    names = [name for name in os.environ if name.startswith("JAX_") and not name.startswith(HARMLESS)]
    names += [name for name in NUMERIC if name in os.environ]
    for name in (*names, *DRAWING, RESTARTED):
        os.environ.pop(name, None)
    os.environ["MPLBACKEND"] = "Agg"
    return sorted(names)


# ── signals ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def ignore_stops() -> None:
    """While Python shuts down, all is written, and no handler is left that could give an exit code."""
    for name in STOPS:
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)


class Stop:
    """Ctrl-C and the signals of job schedulers, as KeyboardInterrupt.

    An exception at any moment could interrupt compiled code, or be swallowed: an import in C prints it, a callback of the garbage
    collector ignores it. So the signal is kept: it is raised again a moment later, and by `check` at the next safe place. While
    `on_first` is set the first signal only calls it, and waits for `check`; a second one calls `on_second` and ends the process
    at once.
    """

    def __init__(self) -> None:
        self.number: int | None = None
        self.on_first: Callable[[], None] | None = None
        self.on_second: Callable[[], None] | None = None
        self.previous: dict[int, object] = {}
        self.previous_hook = sys.unraisablehook

    @property
    def code(self) -> int:
        """The exit code: 130 for Ctrl-C, 143 for SIGTERM."""
        return 128 + (self.number or signal.SIGINT)

    def install(self) -> None:
        """Handles the signals that the process does not ignore; only possible in the main thread."""
        self.number = None
        if threading.current_thread() is not threading.main_thread():
            return
        for number in (getattr(signal, name) for name in STOPS if hasattr(signal, name)):
            if signal.getsignal(number) is not signal.SIG_IGN:
                self.previous[number] = signal.signal(number, self.receive)
        self.previous_hook, sys.unraisablehook = sys.unraisablehook, self.notice_swallowed
        atexit.unregister(ignore_stops)
        atexit.register(ignore_stops)

    def restore(self) -> None:
        """Gives the signals back to whoever handled them before."""
        if CAN_WAIT and signal.SIGALRM in self.previous:
            signal.setitimer(signal.ITIMER_REAL, 0)
        if sys.unraisablehook == self.notice_swallowed:
            sys.unraisablehook = self.previous_hook
        for number, handler in self.previous.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        self.previous = {}

    def receive(self, number: int, frame: FrameType | None) -> None:
        """Handles a signal."""
        is_second, self.number = self.number is not None, number
        if is_second:
            if self.on_second is not None:
                self.on_second()
            os._exit(self.code)
        if self.on_first is None:
            self.interrupt(frame)
        else:
            self.on_first()

    def raise_again(self, _number: int, frame: FrameType | None) -> None:
        """Handles the timer that `wait` sets."""
        if self.number is not None and self.on_first is None:
            self.interrupt(frame)

    def interrupt(self, frame: FrameType | None) -> None:
        """Raises KeyboardInterrupt; during an import a moment later."""
        if not (CAN_WAIT and is_importing(frame)):
            raise KeyboardInterrupt
        self.wait()

    def wait(self) -> None:
        """Sets the timer after which the signal is raised again. Without a signal a host's timer stays its own."""
        if signal.SIGALRM not in self.previous:
            self.previous[signal.SIGALRM] = signal.signal(signal.SIGALRM, self.raise_again)
        signal.setitimer(signal.ITIMER_REAL, MOMENT)

    def notice_swallowed(self, unraisable: sys.UnraisableHookArgs) -> None:
        """Python calls it with an exception that nothing can catch."""
        if self.number is None or not issubclass(unraisable.exc_type, KeyboardInterrupt):
            self.previous_hook(unraisable)
        elif CAN_WAIT:
            self.wait()

    def check(self) -> None:
        """Raises KeyboardInterrupt after a signal. Call it where stopping loses nothing."""
        if self.number is not None:
            raise KeyboardInterrupt


def is_importing(frame: FrameType | None) -> bool:
    """Whether a frame or one that called it runs Python's import."""
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


STOP = Stop()
