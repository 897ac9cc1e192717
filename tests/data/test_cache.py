"""Where the cache is."""

from pathlib import Path

import pytest

from jaxpe.data import cache
from jaxpe.errors import UserError


@pytest.mark.parametrize(
    ("own", "shared", "expected"),
    [
        ("~/c", "", "c"), ("~", "", "."), ("", "~/x", "x/jaxpe"), ("", "", ".cache/jaxpe"), ("~/a[b]?", "~/x", "a[b]?"),
    ],
)  # fmt: skip
def test_the_cache_is_where_the_environment_says_and_a_tilde_is_the_home_folder(
    tmp_path, monkeypatch, own, shared, expected
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("JAXPE_CACHE", own)
    monkeypatch.setenv("XDG_CACHE_HOME", shared)
    folder = cache.cache_folder()
    assert folder == tmp_path / "home" / expected and folder.is_dir()
    assert not Path("~").exists()


@pytest.mark.parametrize("name", ["~nobody-at-all/cache", "file/cache", "file"])
def test_a_cache_that_cannot_be_made_is_one_sentence(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    monkeypatch.setenv("JAXPE_CACHE", name)
    with pytest.raises(UserError, match=r"Cannot make the cache folder .*: set JAXPE_CACHE"):
        cache.cache_folder()
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
