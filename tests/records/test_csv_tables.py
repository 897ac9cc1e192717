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


def test_a_table_that_was_cut_off_or_altered_is_refused(tmp_path):
    path = tmp_path / "table.csv"
    write_table(path, [{"task": "copy", "value": 0.5}])
    whole = path.read_text()
    assert len(read_table(path)) == 1
    altered = {
        whole[:-3]: "was cut off",
        whole.replace("metric", "meter"): "no column 'metric'",
        "no table\n": "no column 'experiment'",
    }
    for text, says in altered.items():
        path.write_text(text)
        with pytest.raises(UserError, match=says):
            read_table(path)
