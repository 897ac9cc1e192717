"""Position tables of the user's own and of weight files; arrays that are no table; names."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from jaxpe.analysis import position_table, published
from jaxpe.errors import UserError

RANDOM = np.random.default_rng(5)
GAUSSIAN = RANDOM.normal(size=(64, 16))
WITH_NAN = np.where(np.arange(16) == 4, np.nan, GAUSSIAN)
BAD_ARRAYS = {
    "objects": (np.array([[object()] * 4] * 9), "not a .npy file of plain numbers"),
    "one dimension": (GAUSSIAN[0], r"the shape \(16,\)"),
    "three dimensions": (GAUSSIAN.reshape(2, 32, 16), "two dimensions"),
    "four dimensions": (GAUSSIAN.reshape(8, 8, 1, 16), "two dimensions"),
    "infinite": (np.where(np.isnan(WITH_NAN), -np.inf, GAUSSIAN), "not finite numbers"),
    "beyond float64": (GAUSSIAN.astype(np.longdouble) * np.longdouble("1e4000"), "not finite numbers"),
    "truth": (GAUSSIAN > 0, "does not hold real numbers"),
    "dates": (np.zeros((9, 3), "M8[s]"), "does not hold real numbers"),
    "records": (np.zeros((9, 3), [("a", float), ("b", int)]), "does not hold real numbers"),
    "a number": (np.float64(3), r"the shape \(\)"),
    "wide": (np.ones((9, published.MAX_WIDTH + 1), np.float16), "16385 columns, but at most 16384.*transpose"),
    "no rows": (GAUSSIAN[:0], r"the shape \(0, 16\)"),
    "nan": (WITH_NAN, "not finite numbers"),
    "short": (GAUSSIAN[:7], "has 7 rows"),
    "complex": (GAUSSIAN.astype(complex), "does not hold real numbers"),
    "empty": (GAUSSIAN[:, :0], r"the shape \(64, 0\)"),
    "words": (np.array([["a"] * 3] * 9), "does not hold real numbers"),
    "constant": (np.ones((9, 3)), "All rows of the table b are equal"),
}


def save(path, table):
    np.save(path, table, allow_pickle=True)
    return path


@pytest.mark.parametrize(("table", "message"), BAD_ARRAYS.values(), ids=BAD_ARRAYS)
def test_an_array_that_is_no_table_is_one_sentence(tmp_path, table, message):
    with pytest.raises(UserError, match=message):
        published.load_table(save(tmp_path / "b.npy", table))


def test_a_file_that_is_no_array_is_one_sentence(tmp_path):
    np.savez(tmp_path / "a.npz", x=GAUSSIAN)
    complete = save(tmp_path / "cut.npy", GAUSSIAN).read_bytes()
    (tmp_path / "cut.npy").write_bytes(complete[:-16])
    (tmp_path / "claims.npy").write_bytes(complete.replace(b"(64, 16)", b"(64000000000, 16)".ljust(8), 1))
    (tmp_path / "text.npy").write_text("0.1 0.2")
    (tmp_path / "none.npy").touch()
    for name in ("a.npz", "cut.npy", "claims.npy", "text.npy", "none.npy"):
        with pytest.raises(UserError, match=r"save one array with numpy\.save"):
            published.load_table(tmp_path / name)
    with pytest.raises(UserError, match="There is no file"):
        published.load_table(tmp_path)


def write_header(text, version=1, body=b""):
    """A .npy file with any header."""
    return b"\x93NUMPY" + bytes([version, 0]) + len(text).to_bytes(2 if version == 1 else 4, "little") + text + body


HEADERS = {
    "10^12 numbers": b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000, 1000000)}",
    "more than an integer holds": b"{'descr': '<f8', 'fortran_order': False, 'shape': (%d, 2)}" % 2**70,
    "a negative shape": b"{'descr': '<f8', 'fortran_order': False, 'shape': (-64, 16)}",
    "words as a shape": b"{'descr': '<f8', 'fortran_order': False, 'shape': ('a', 16)}",
    "objects": b"{'descr': '|O', 'fortran_order': False, 'shape': (64, 16)}",
    "a large item": b"{'descr': '|V2000000000', 'fortran_order': False, 'shape': (64, 16)}",
    "a large text": b"{'descr': '<U2000000000', 'fortran_order': False, 'shape': (64, 16)}",
    "no type": b"{'descr': 'nothing', 'fortran_order': False, 'shape': (64, 16)}",
    "a call": b"{'descr': __import__('os').system('true'), 'fortran_order': False, 'shape': (64, 16)}",
    "Python 2": b"{'descr': '<f8', 'fortran_order': False, 'shape': (64000L, 16L)}",
    "deep": b"(" * 9000,
    "long": b"{'descr': '<f8', 'fortran_order': False, 'shape': (64, 16)}" + b" " * 60_000,
    "other keys": b"{'a': 1}",
    "nothing": b"",
}


@pytest.mark.parametrize("version", [1, 2, 3, 9])
@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS)
def test_a_header_that_lies_is_one_sentence(tmp_path, header, version, recwarn):
    (tmp_path / "t.npy").write_bytes(write_header(header, version, bytes(1000)))
    with pytest.raises(UserError, match=r"t\.npy .*save one array with numpy\.save"):
        published.load_table(tmp_path / "t.npy")
    assert not recwarn.list


@pytest.mark.parametrize("shape", [(64, 16), (1, 64, 16), (64, 1, 16), (1, 1, 64, 16)])
@pytest.mark.parametrize("dtype", ["<f8", ">f8", "<f4", "<f2", "longdouble", ">i4", "u1"])
@pytest.mark.parametrize("order", "CF")
def test_a_table_is_read_in_every_order_and_type_of_numbers(tmp_path, monkeypatch, shape, dtype, order):
    monkeypatch.setenv("HOME", str(tmp_path))
    numbers = RANDOM.integers(0, 99, (64, 16))
    np.save(tmp_path / "t.npy", np.asarray(numbers.reshape(shape).astype(dtype), order=order))
    np.testing.assert_array_equal(published.load_table(Path("~/t.npy")).rows, numbers)


def test_integers_and_numbers_of_any_size_are_measured(tmp_path):
    integers = RANDOM.integers(0, 99, (20, 4))
    np.testing.assert_array_equal(published.load_table(save(tmp_path / "i.npy", integers)).rows, integers)
    small = GAUSSIAN[:24]
    expected = position_table.measure_tables(small[None])
    for factor in (1e-200, 1e200):
        rows = published.load_table(save(tmp_path / "f.npy", factor * small)).rows
        for name, value in position_table.measure_tables(rows[None]).items():
            np.testing.assert_allclose(value, expected[name], rtol=1e-5, atol=1e-8, err_msg=name)


def test_rows_that_look_untrained_are_left_out_unless_few_would_remain():
    initial, trained = 0.02 * RANDOM.normal(size=(40, 64)), RANDOM.normal(size=(24, 64))
    table = published.prepare_table("m", "", np.concatenate([trained, initial]), None)
    assert len(table.rows) == 24 and table.total == 64 and "24-63 look like the initial values" in table.sentence
    for rows in (initial, np.concatenate([trained[:7], initial])):
        table = published.prepare_table("m", "", rows, None)
        assert len(table.rows) == table.total and "a guess from their size" in table.sentence
    table = published.prepare_table("m", "", RANDOM.normal(size=(published.MAX_ROWS + 9, 2)), None)
    assert len(table.rows) == published.MAX_ROWS and "Only the first 4096 rows" in table.sentence


def test_the_array_of_an_unknown_layout_can_be_named(tmp_path):
    path = tmp_path / "mine.safetensors"
    save_file({"where": GAUSSIAN.astype("f4")}, path)
    with pytest.raises(UserError, match=r"where 64×16.*FILE::NAME"):
        published.load_model_tables(str(path))
    [table] = published.load_model_tables(f"{path}::where")
    assert table.name == "mine" and table.rows.shape == (64, 16)


def save_models(folder, *names):
    """Files of weights with two tables each."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        save_file({key: RANDOM.normal(size=(12, 4)).astype("f4") for key in ("wpe.weight", "b")}, folder / name)


@pytest.mark.parametrize(
    ("files", "names"),
    [
        (["a/model.safetensors", "b/model.safetensors"], ["a/model", "b/model"]),
        (["x/a/model.safetensors", "y/a/model.safetensors", "x/other.bin"], ["x/a/model", "y/a/model", "other"]),
        (["a/m.safetensors", "a/m.bin"], ["m.safetensors", "m.bin"]),
        (["a/m.safetensors", "b/m.safetensors", "b/m.bin"], ["a/m.safetensors", "b/m.safetensors", "b/m.bin"]),
        (["m.safetensors::wpe.weight", "m.safetensors::b"], ["m::wpe.weight", "m::b"]),
        (["a::b/m.safetensors", "c/m.safetensors::b"], ["m.safetensors", "m::b"]),
        (["[1] *.safetensors", "two.safetensors"], ["[1] *", "two"]),
    ],
)
def test_tables_of_files_with_one_name_are_told_apart(tmp_path, files, names):
    save_models(tmp_path, *{name.removesuffix("::wpe.weight").removesuffix("::b") for name in files})
    words = [str(tmp_path / name) for name in files]
    tables = published.load_named_tables(None, words, None)
    assert [table.name for table in tables] == names
    assert len({table.rows.tobytes() for table in tables}) == len(names)


def test_a_file_that_is_named_twice_is_measured_once(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    save_models(tmp_path, "a/m.safetensors")
    (tmp_path / "link.safetensors").symlink_to("a/m.safetensors")
    words = [
        "a/m.safetensors",
        "~/a/m.safetensors",
        "./a/../a/m.safetensors",
        "link.safetensors",
        str(tmp_path / "a/m.safetensors"),
    ]
    assert [table.name for table in published.load_named_tables(None, words, None)] == ["m"]
    assert [table.name for table in published.load_named_tables(None, words, "mine")] == ["mine"]


def test_a_name_that_was_given_stays_and_the_other_changes(tmp_path):
    save_models(tmp_path, "t.safetensors")
    table = save(tmp_path / "t.npy", GAUSSIAN)
    model = str(tmp_path / "t.safetensors")
    for name, names in ((None, ["t.npy", "t.safetensors"]), ("t", ["t", "t.safetensors"]), ("x", ["x", "t"])):
        assert [one.name for one in published.load_named_tables(table, [model], name)] == names


def test_rows_that_were_left_out_of_a_file_are_told(tmp_path):
    padded = RANDOM.normal(size=(64, 4)).astype("f4")
    for row, says in (
        (1, "Rows 0 and 1 of the file stand for no position"),
        (0, "Row 0 of the file stands for no position"),
    ):
        padded[row] = 0
        save_file({"wpe.weight": padded}, tmp_path / "m.safetensors")
        [table] = published.load_model_tables(str(tmp_path / "m.safetensors"))
        assert table.sentence.startswith(says) and len(table.rows) == 63 - row
        padded[row] = 1


def test_names_of_models_and_parts_of_claims(tmp_path):
    (tmp_path / "bert").mkdir()
    assert published.list_names(str(tmp_path / "bert"))[0] == "bert" and published.list_names("gpt2") == ["gpt2"]
    assert published.make_slug("Mein Modell! (2)") == "mein-modell-2" and published.make_slug("表") == "table"
    assert published.make_slugs(["A b", "a-b", "c", "a b!"]) == {
        "A b": "a-b",
        "a-b": "a-b-2",
        "c": "c",
        "a b!": "a-b-3",
    }
    assert len(published.thin_tokens(np.zeros((50_000, 2)))) <= published.MAX_TOKENS
    assert len(published.thin_tokens(np.zeros((5, 2)))) == 5
