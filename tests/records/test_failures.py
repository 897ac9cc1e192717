"""Failures of rounds: recorded until their runs are stored."""

from jaxpe.records.failures import Failure, forget_failure, read_failures, write_failure
from jaxpe.records.results import open_results


def test_a_failure_is_listed_until_its_runs_are_stored(tmp_path):
    results = open_results(tmp_path)
    failure = Failure(about="copy, seeds 0 1", runs=["a" * 64, "b" * 64], error="WorkerCrashedError", attempts=3)
    write_failure(results, failure)
    write_failure(results, failure)
    assert read_failures(results) == [failure]
    results.write_run("a" * 64, {}, {})
    assert read_failures(results) == [failure]
    results.write_run("b" * 64, {}, {})
    assert read_failures(results) == []
    forget_failure(results, failure["runs"])
    assert not (tmp_path / "failures").exists()


def test_a_file_that_cannot_be_read_is_no_failure(tmp_path):
    results = open_results(tmp_path)
    (tmp_path / "failures").mkdir()
    for number, text in enumerate(
        ("", "{}", "[]", '{"about": 1, "runs": [], "error": "", "attempts": 1}', "[" * 99999)
    ):
        (tmp_path / "failures" / f"{number}.json").write_text(text)
    assert read_failures(results) == []
