"""Tables on disk: what is kept, and what is refused."""

import pytest

from jaxpe.errors import UserError
from jaxpe.records.csv_tables import COLUMNS, PREVIOUS, keep_previous, read_table, write_table


def test_tables_keep_the_name_none_and_leave_gaps_empty(tmp_path):
    rows = [
        {"encoding": "none", "value": 1 / 3, "length_baseline": None, "extra": 2},
        {"encoding": "other", "value": float("nan")},
    ]
    write_table(tmp_path / "t.csv", rows)
    table = read_table(tmp_path / "t.csv")
    assert list(table.columns) == [*COLUMNS, "extra"]
    assert list(table["encoding"]) == ["none", "other"] and table["value"][0] == 0.333333 and table["value"].isna()[1]


def test_a_smaller_table_does_not_make_a_larger_one_disappear(tmp_path):
    path = tmp_path / "table.csv"
    rows = [{"task": "copy", "encoding": name, "seed": seed, "value": 0.5} for name in ("a", "none") for seed in (0, 1)]
    assert not keep_previous(path, rows)
    write_table(path, rows)
    before = path.read_bytes()
    assert not keep_previous(path, rows) and not keep_previous(path, [*rows, {"task": "index"}])
    assert keep_previous(path, rows[:3]) and (tmp_path / PREVIOUS).read_bytes() == before


DAMAGES = {
    "no rows": (lambda text: text.partition("\n")[0] + "\n", "has no rows"),
    "nothing": (lambda text: "", "no column 'experiment'"),
    "another file": (lambda text: "no table\n", "no column 'experiment'"),
    "a column less": (lambda text: text.replace("metric", "meter"), "no column 'metric'"),
    "a column twice": (lambda text: text.replace("extra", "value"), "two columns 'value'"),
    "the end of a line cut": (lambda text: text[:-1], "was cut off"),
    "entries cut": (lambda text: text[:-12], "line 3 has 9 entries where the first has 15"),
    "an entry more": (lambda text: text.replace("sort", "so,rt"), "line 3 has 16 entries"),
    "a word in value": (lambda text: text.replace("0.25", "0.2S"), "row 2, 'value': a number is due, not '0.2S'"),
    "a truth value": (lambda text: text.replace("0.25", "True").replace("0.5", "False"), "row 1, 'value': a number is due"),
    "a word in a seed": (lambda text: text.replace(",7,", ",seven,"), "row 2, 'seed'"),
    "a quote": (lambda text: text.replace("sort", '"sort'), "is not CSV|entries"),
    "a zero byte": (lambda text: text.replace("sort", "so\0rt"), "is 0, which no text has"),
}  # fmt: skip


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "table.csv"
    rows = [{"task": "copy", "value": 0.5, "seed": 0}, {"task": "sort", "value": 0.25, "seed": 7}]
    write_table(path, [row | {"extra": 1} for row in rows])
    return path


@pytest.mark.parametrize("name", DAMAGES)
def test_a_table_that_was_cut_off_or_altered_is_refused(table, name):
    """The sentence names the file and the place."""
    damage, says = DAMAGES[name]
    assert len(read_table(table)) == 2
    table.write_bytes(damage(table.read_text()).encode())
    with pytest.raises(UserError, match=says) as refusal:
        read_table(table)
    assert str(table) in str(refusal.value) and "run its experiment again" in str(refusal.value)


def test_a_byte_order_mark_is_no_part_of_the_first_column(table):
    table.write_bytes(b"\xef\xbb\xbf" + table.read_bytes())
    assert len(read_table(table)) == 2


def test_names_that_look_like_numbers_stay_names(table):
    table.write_text(table.read_text().replace("copy", "1").replace("sort", "02"))
    assert read_table(table)["task"].tolist() == ["1", "02"]
