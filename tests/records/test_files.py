"""Files are written whole or not at all, and disk errors are one sentence."""

import errno
import os
import stat
import threading

import pytest

from jaxpe.errors import UserError
from jaxpe.records import files


def raise_error(number, *names):
    with files.disk_errors():
        raise OSError(number, os.strerror(number), *names)


def test_a_file_is_replaced_whole_or_stays(tmp_path, monkeypatch):
    path = tmp_path / "new" / "page.txt"
    files.write_text(path, "one")
    assert path.read_text() == "one"

    def fail(path, content):
        path.write_bytes(content[:1])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files, "write_durably", fail)
    with pytest.raises(UserError, match="disk is full"):
        files.write_text(path, "two")
    assert path.read_text() == "one" and [file.name for file in path.parent.iterdir()] == ["page.txt"]


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (errno.ENOSPC, "disk is full"),
        (errno.EDQUOT, "disk is full"),
        (errno.EROFS, "Cannot write to page.txt"),
        (errno.EACCES, "change its permissions"),
        (errno.ENOTDIR, "page.txt is a file where a folder is needed"),
        (errno.ENAMETOOLONG, "A name is too long for this file system: page.txt"),
        (errno.EISDIR, "page.txt is a folder where a file is needed"),
    ],
)
def test_a_disk_error_says_what_to_do(number, message):
    with pytest.raises(UserError, match=message):
        raise_error(number, "page.txt")


def test_a_full_disk_is_recognized_by_its_text_where_a_library_hides_the_number():
    with pytest.raises(UserError, match="disk is full"), files.disk_errors():
        raise RuntimeError(f"write failed: {os.strerror(errno.ENOSPC)}")


def test_other_errors_stay_as_they_are():
    with pytest.raises(ConnectionResetError):
        raise_error(errno.ECONNRESET)
    with pytest.raises(ValueError, match="no digit"), files.disk_errors():
        raise ValueError("no digit")


def test_a_folder_that_is_deleted_in_part_no_longer_has_its_name(tmp_path, monkeypatch):
    """What a kill leaves is swept as unfinished: nobody could say which round a part of a checkpoint belongs to."""
    folder = tmp_path / "00000200"
    folder.mkdir()
    monkeypatch.setattr(files.shutil, "rmtree", lambda path, ignore_errors: None)  # the process is killed here
    files.remove(folder)
    assert not folder.exists() and [path.name[: len(files.TEMPORARY)] for path in tmp_path.iterdir()] == [
        files.TEMPORARY
    ]


def test_a_pipe_is_written_to_and_stays_a_pipe(tmp_path):
    """As /dev/stdout and /dev/null, which a rename would replace by a file."""
    path, content = tmp_path / "pipe", []
    os.mkfifo(path)
    reader = threading.Thread(target=lambda: content.append(path.read_bytes()), daemon=True)
    reader.start()
    files.write_text(path, "one")
    reader.join(10)
    assert content == [b"one"] and stat.S_ISFIFO(path.stat().st_mode) and list(tmp_path.iterdir()) == [path]
