"""`jaxpe run`: from options to a preset, to a plan, and to what is printed."""

import json

import pytest
from command_line import assert_one_sentence, call_jaxpe
from support import ROOT

from jaxpe.cli import run
from jaxpe.cli.options import RunOptions
from jaxpe.data import cache
from jaxpe.study import experiment
from jaxpe.study.experiment import load_experiment

ACCURACY = load_experiment("accuracy")


def test_the_command_line_overrides_the_preset():
    options = RunOptions(
        preset="smoke", tasks=("reverse",), encodings=("none",), architectures=("encoder",), seeds=3, set=("width=8",)
    )
    preset = run.choose_preset(ACCURACY, options, None)
    [row] = preset.grid
    assert (row.task, row.architectures, row.encodings) == ("reverse", ("encoder",), ("none",))
    assert (preset.seeds, preset.width, preset.options) == (3, 8, None)


def test_options_of_an_experiment_reach_its_preset_and_default_to_its_own():
    superposition = load_experiment("superposition")
    options = RunOptions(preset="smoke")
    assert run.choose_preset(superposition, options, None).options == superposition.module.Options()
    own = superposition.module.Options(photographs="DIR")
    assert run.choose_preset(superposition, options, own).options is own


def test_tasks_whose_text_is_missing_are_left_out_unless_they_are_asked_for(monkeypatch):
    monkeypatch.setattr(cache, "is_fetched", lambda name: False)
    for tasks in ((), ("translation",)):
        preset = run.choose_preset(ACCURACY, RunOptions(preset="quick", tasks=tasks), None)
        assert any(row.task == "translation" for row in preset.grid) == bool(tasks)


def test_a_dry_run_as_json_is_a_plan_and_writes_nothing(tmp_path, capsys):
    words = "run accuracy --preset smoke --tasks reverse --architectures encoder --encodings none learned --seeds 3"
    outcome = call_jaxpe(capsys, *words.split(), "--dry-run", "--json", "--results", tmp_path / "r")
    plan = json.loads(outcome.out)
    assert outcome.code == 0 and plan["runs"] == 6 and plan["stored"] == 0 and len(plan["programs"]) == 2
    assert {one["program"] for one in plan["programs"]} == {"reverse, encoder, none", "reverse, encoder, learned"}
    assert plan["bytes"] > 0 and plan["seconds"] > 0 and not (tmp_path / "r").exists()


def test_a_dry_run_of_a_study_has_a_line_for_each_experiment(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(experiment, "STUDY", ("accuracy", "extrapolation"))
    words = ("--preset", "smoke", "--tasks", "reverse", "--dry-run", "--results", tmp_path / "r")
    code, printed, _ = call_jaxpe(capsys, "study", *words)
    lines = printed.splitlines()
    assert code == 0 and "training programs" in lines[-1] and not (tmp_path / "r").exists()
    assert [line.split()[-1] for line in lines[1:-1]] == ["accuracy", "extrapolation"]


def test_a_summary_is_printed_in_columns():
    printed = run.format_summary("Accuracy", ["encoding", "at N"], [["none", "0.25"], ["sinusoidal", "1.00"]])
    assert printed == "Accuracy\nencoding    at N\nnone        0.25\nsinusoidal  1.00\n"


def test_a_claim_is_printed_with_its_interval_or_as_not_run():
    claim = {"effect": 0.25, "low": 0.125, "high": 0.375, "n": 6, "unit": "accuracy"}
    assert run.format_claim(claim) == "+0.250 accuracy (+0.125 to +0.375, n = 6)"
    assert run.format_claim(claim | {"effect": None, "n": 0}) == "not run"


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("accuracy --encodings sinusodial", "Did you mean 'sinusoidal'"),
        ("accuracy --tasks revers", "Did you mean 'reverse'"),
        ("accuracy --preset quik", "Did you mean 'quick'"),
        ("acuracy", "Did you mean 'accuracy'"),
        ("accuracy --seeds 0", "above 0"),
        ("accuracy --seeds 2 --set seeds=3", "seeds is given more than once"),
        ("accuracy --set widht=3", "Did you mean 'width'"),
        ("accuracy --set width=wide", "whole number"),
        ("accuracy --tasks reverse --set heads=3", "not divisible"),
        ("accuracy --architectures encodr", "Did you mean 'encoder'"),
        ("accuracy --tasks masked_lm --corpus nothing.txt", "no text file"),
        ("accuracy --tasks masked_lm --text-column body", "kjv has no column 'body'"),
        ("accuracy --tasks masked_lm --tokenizer bytes", "Did you mean 'byte'"),
        ("accuracy --tasks masked_lm --set tokenizer=bytes", "Unknown tokenizer 'bytes'. Did you mean 'byte'"),
        (
            "accuracy --tasks masked_lm --tokenizer byte --set vocabulary=600",
            "vocabulary is the size of the tokenizer bpe",
        ),
        ("accuracy --text-column a --set text_column=b", "either --text-column or --set text_column"),
        ("accuracy --tasks reverse --set precision=hihg", "Did you mean 'high'"),
        ("accuracy --set learning_rates=0.1/x", "takes numbers"),
        ("accuracy --encodings a.py:Mine b.py:Mine", "could not tell apart"),
        ("superposition --photographs nothing", "nothing"),
        ("superposition --encodings sinusodial", "Did you mean 'sinusoidal'"),
        ("nothing.py", "There is no file"),
        ("accuracy --encodings nothing.py:Mine", "There is no file"),
        (f"accuracy --results {ROOT / 'jaxpe'}", "not a results folder"),
    ],
)
def test_bad_input_is_one_sentence(tmp_path, capsys, line, says):
    results = () if "--results" in line else ("--results", tmp_path / "r")
    assert_one_sentence(call_jaxpe(capsys, "run", *line.split(), *results), says)
    assert not (tmp_path / "r").exists() or not any((tmp_path / "r").rglob("*.csv"))
