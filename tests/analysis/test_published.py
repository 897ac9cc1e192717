"""Position tables of the user's own and of weight files; arrays that are no table; names."""

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
    "three dimensions": (GAUSSIAN[None], "two dimensions"),
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


def test_names_of_models_and_parts_of_claims(tmp_path):
    (tmp_path / "bert").mkdir()
    assert published.derive_name(str(tmp_path / "bert")) == "bert" and published.derive_name("gpt2") == "gpt2"
    assert published.make_slug("Mein Modell! (2)") == "mein-modell-2" and published.make_slug("表") == "table"
    assert published.make_slugs(["A b", "a-b", "c", "a b!"]) == {
        "A b": "a-b",
        "a-b": "a-b-2",
        "c": "c",
        "a b!": "a-b-3",
    }
    assert len(published.thin_tokens(np.zeros((50_000, 2)))) <= published.MAX_TOKENS
    assert len(published.thin_tokens(np.zeros((5, 2)))) == 5
