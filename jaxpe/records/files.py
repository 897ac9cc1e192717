"""Files written whole or not at all, and disk errors as one sentence.

Content goes to a temporary file in the same folder, which is then renamed: a process that is killed at any moment leaves
the target as it was, or complete.
"""

from __future__ import annotations

import errno
import hashlib
import os
import platform
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from jaxpe.errors import UserError
from jaxpe.records.processes import is_running

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
TEMPORARY = ".writing-"  # begins the names of files that are not finished
TRIES = 100  # at making something in a folder that others delete
REFUSED = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT)


@contextmanager
def disk_errors() -> Iterator[None]:
    """Raises UserError in place of the error of a full or protected disk.

    Some libraries hide the error number, so that a full disk is also recognized by the text of the error.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        if message := explain_disk_error(error):
            raise UserError(message) from error
        raise


def explain_disk_error(error: Exception) -> str:
    """What is wrong with the disk and what to do; '' for any other error."""
    number = error.errno if isinstance(error, OSError) else None
    if number in FULL or any(os.strerror(code) in str(error) for code in FULL):
        return "The disk is full, or a quota is reached: free some space and run the same command again; nothing finished is lost."
    if not isinstance(error, OSError):
        return ""
    if number is not None and number in REFUSED:
        place = error.filename or "the results folder"
        return f"Cannot write to {place} ({os.strerror(number)}): change its permissions or choose another folder."
    if isinstance(error, (FileExistsError, NotADirectoryError)):
        return f"{error.filename} is a file where a folder is needed: choose another folder."
    if number == errno.ENAMETOOLONG:
        return f"A name is too long for this file system: {str(error.filename)[:60]}…. Choose a shorter one."
    if isinstance(error, IsADirectoryError):
        place = error.filename2 or error.filename
        return f"{place} is a folder where a file is needed: choose another folder."
    return ""


def write_bytes(path: Path, content: bytes) -> None:
    """Writes a file whole or not at all; a device or a pipe is written to. Raises UserError on a full or protected disk."""
    with disk_errors():
        if path.exists() and not path.is_file() and not path.is_dir():  # a device or a pipe, such as /dev/stdout
            path.write_bytes(content)
            return
        temporary = write_temporary(path.parent, content)
        try:
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


def write_temporary(folder: Path, content: bytes) -> Path:
    """A new file with this content in a folder, under a temporary name; makes the folder where there is none."""
    return make_in_folder(folder, lambda path: write_durably(path, content))


def make_temporary_folder(folder: Path) -> Path:
    """A new folder inside another one, under a temporary name."""
    return make_in_folder(folder, Path.mkdir)


def make_in_folder(folder: Path, make: Callable[[Path], None]) -> Path:
    """Makes something under a temporary name in a folder, which another process may delete whenever it is empty."""
    path = folder / make_temporary_name()
    for attempt in range(TRIES):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            make(path)
            break
        except (FileNotFoundError, FileExistsError):  # the folder was deleted between two steps
            if attempt == TRIES - 1 or folder.is_file():
                raise
        except BaseException:
            remove(path)
            raise
    return path


def refresh(folder: Path) -> None:
    """Writes and deletes a file, so that a network file system forgets what it remembers of the names in a folder."""
    with disk_errors():
        remove(write_temporary(folder, b""))


def write_text(path: Path, text: str) -> None:
    """Writes a text file in UTF-8, whole or not at all. Raises UserError on a full or protected disk."""
    write_bytes(path, text.encode())


def make_temporary_name() -> str:
    """A name that no other process uses, on this machine or on another that shares the folder."""
    return f"{TEMPORARY}{hash_host()}-{os.getpid()}-{secrets.token_hex(4)}"


def hash_host() -> str:
    """A short name of this machine that gives nothing away."""
    return hashlib.sha256(platform.node().encode()).hexdigest()[:8]


def is_abandoned(name: str) -> bool:
    """Whether a temporary name is that of a process of this machine that no longer runs."""
    parts = name.removeprefix(TEMPORARY).split("-")
    if not name.startswith(TEMPORARY) or len(parts) != 3 or parts[0] != hash_host() or not parts[1].isdigit():
        return False
    return not is_running(int(parts[1]))


def sweep_temporary_files(folder: Path) -> None:
    """Deletes what processes that were killed left unfinished in a results folder."""
    for depth in ("", "*/", "*/*/", "*/*/*/"):
        for path in folder.glob(f"{depth}{TEMPORARY}*"):
            if is_abandoned(path.name):
                remove(path)


def remove(path: Path) -> None:
    """Deletes a file or a folder, as far as that is possible.

    A folder is renamed first: of one that a killed process deleted in part, nobody could say what it was.
    """
    if path.is_dir() and not path.is_symlink():
        renamed = path
        if not path.name.startswith(TEMPORARY):
            with suppress(OSError):
                renamed = path.rename(path.with_name(make_temporary_name()))
        shutil.rmtree(renamed, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()


def write_durably(path: Path, content: bytes) -> None:
    """Writes a new file and waits until the disk has it."""
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
