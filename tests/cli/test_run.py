"""`jaxpe run`: from options to a preset, to a plan, and to what is printed."""

import json
from types import SimpleNamespace

import pytest
from command_line import assert_one_sentence, call_jaxpe
from support import ROOT

from jaxpe.cli import run
from jaxpe.cli.options import RunOptions
from jaxpe.data import cache
from jaxpe.records.claims import Claim
from jaxpe.records.csv_tables import write_table
from jaxpe.records.provenance import write_provenance
from jaxpe.study import experiment
from jaxpe.study.experiment import load_experiment

ACCURACY = load_experiment("accuracy")


def test_the_command_line_overrides_the_preset():
    options = RunOptions(
        preset="smoke", tasks=("reverse",), encodings=("none",), architectures=("encoder",), seeds="3", set=("width=8",)
    )
    preset = run.choose_preset(ACCURACY, options, None)
    [row] = preset.grid
    assert (row.task, row.architectures, row.encodings) == ("reverse", ("encoder",), ("none",))
    assert (preset.seeds, preset.width, preset.options) == (3, 8, None)


def test_seeds_are_a_number_or_the_first_and_the_last():
    preset = run.choose_preset(ACCURACY, RunOptions(preset="smoke", seeds="3-5"), None)
    assert list(preset.list_seeds()) == [3, 4, 5]


def test_position_samplers_replace_those_of_every_row():
    preset = run.choose_preset(ACCURACY, RunOptions(preset="smoke", positions=("offset",)), None)
    assert {row.positions for row in preset.grid} == {("offset",)}
    randomized = load_experiment("randomized")  # it compares samplers
    preset = run.choose_preset(randomized, RunOptions(preset="standard", positions=("offset", "randomized")), None)
    assert {row.positions for row in preset.grid} == {("offset", "randomized")}


@pytest.mark.parametrize(
    ("name", "options", "unused"),
    [
        ("superposition", {"steps": 3, "tasks": ("copy",), "seeds": "3-5"}, ["tasks", "first_seed"]),
        ("pretrained", {"steps": 3, "encodings": ("none",)}, ["encodings", "steps"]),
        ("throughput", {"set": ("width=8", "layers=1")}, ["width"]),
        ("accuracy", {"steps": 3, "tasks": ("copy",)}, []),
        ("accuracy", {"tasks": ("copy",), "corpus": "kjv", "tokenizer": "byte"}, ["corpus", "tokenizer"]),
        ("accuracy", {"tasks": ("causal_lm",), "tokenizer": "byte"}, []),
    ],
)
def test_what_an_experiment_has_no_use_for_is_said(name, options, unused, capsys):
    run.choose_preset(load_experiment(name), RunOptions(preset="smoke", **options), None)
    says = capsys.readouterr().err
    assert says == (f"{name} has no use for {', '.join(unused)}: nothing changes.\n" if unused else "")


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
    assert code == 0 and "training programs" in lines[-2] and not (tmp_path / "r").exists()
    assert [line.split()[-1] for line in lines[1:-2]] == ["accuracy", "extrapolation"]


def test_a_study_shows_its_first_row_first_and_the_page_grows(tmp_path, capsys, monkeypatch):
    """What is trained is replaced by a table of constants: the order and the pages are what counts here."""
    page, calls = tmp_path / "r" / "index.html", []

    def run_experiment(one, planned, work, command):
        calls.append((one.name, len(planned.preset.grid), page.exists() and len(page.read_text())))
        rows = [{"experiment": one.name, "task": row.task, "metric": "x", "value": 1.0} for row in planned.preset.grid]
        write_table(work.results.folder / one.name / "table.csv", rows)
        write_provenance(work.results.folder / one.name, {"experiment": one.name, "preset": planned.preset})

    monkeypatch.setattr(run, "run_experiment", run_experiment)
    monkeypatch.setattr(run, "redraw", lambda one, folder: None)
    names = ("accuracy", "randomized")
    options = RunOptions(preset="smoke", results=tmp_path / "r")
    assert run.run_experiments(names, options) == 0
    assert [call[:2] for call in calls] == [("accuracy", 1), ("accuracy", 2), ("randomized", 1)]
    assert calls[0][2] is False and calls[1][2] > 10_000 and calls[2][2] > 10_000
    assert "grows with every experiment" in capsys.readouterr().err
    calls.clear()
    assert run.run_experiments(names, options) == 0  # there is a table to see already
    assert [call[:2] for call in calls] == [("accuracy", 2), ("randomized", 1)]
    calls.clear()
    assert run.run_experiments(names[:1], options) == 0 and [call[:2] for call in calls] == [("accuracy", 2)]


def test_what_an_own_experiment_declares_and_does_not_give_is_said(tmp_path):
    claims = tuple(
        Claim(name, "It is so.", "1", figure=figure) for name, figure in (("a", "drawn"), ("b", "nope"), ("c", ""))
    )
    own = SimpleNamespace(origin="mine.py", module=SimpleNamespace(CLAIMS=claims))
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "drawn.svg").write_text("")
    judged = [claim.make_result("undecided", None).to_json("mine") for claim in claims[:2]]
    (tmp_path / "claims.json").write_text(json.dumps(judged))
    assert run.list_gaps(own, tmp_path) == [
        "c was not judged: `claims` gave no result for it.", "b names the figure 'nope', which `figures` did not draw.",
    ]  # fmt: skip
    assert run.list_gaps(SimpleNamespace(origin=None), tmp_path) == []


def test_a_summary_is_printed_in_columns():
    printed = run.format_summary("Accuracy", ["encoding", "at N"], [["none", "0.25"], ["sinusoidal", "1.00"]])
    assert printed == "Accuracy\nencoding    at N\nnone        0.25\nsinusoidal  1.00\n"


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("accuracy --encodings sinusodial", "Did you mean 'sinusoidal'"),
        ("accuracy --tasks revers", "Did you mean 'reverse'"),
        ("accuracy --preset quik", "Did you mean 'quick'"),
        ("acuracy", "Did you mean 'accuracy'"),
        ("accuracy --seeds 0", "above 0"),
        ("accuracy --seeds 5-3", "names no seed"),
        ("accuracy --seeds 2147483648-2147483648", "first_seed must be at most 2147483647, got 2147483648"),
        ("accuracy --seeds 2147483646-2147483648", "seeds end at 2147483647, and 3 from 2147483646 on"),
        ("accuracy --seeds 4294967296", "seeds must be at most 2147483647, got 4294967296"),
        ("accuracy --set first_seed=4294967296", "first_seed must be at most 2147483647"),
        ("accuracy --set max_length_ratio=inf", "max_length_ratio must be at most 2147483647, got inf"),
        ("accuracy --set max_length_ratio=1e8", "max_length_ratio times train_length must be at most 16777216"),
        ("accuracy --set max_position_ratio=inf", "max_position_ratio must be at most 2147483647, got inf"),
        ("accuracy --set max_length_ratio=0.01", "raise max_length_ratio"),
        ("accuracy --seeds 1001-1002 --set learning_rates=0.001/0.01", "1000 and 1001 choose learning rates"),
        ("accuracy --seeds two", "as 3-5, not 'two'"),
        ("accuracy --seeds 3-5 --set first_seed=1", "first_seed is given more than once: give either --seeds"),
        ("accuracy --positions arange offset", "at one position sampler"),
        ("accuracy --encodings --preset smoke", "--encodings needs a value"),
        ("accuracy --positions ofset", "Did you mean 'offset'"),
        ("accuracy --positions shuffled", "shuffled positions are for tests: train with arange"),
        ("accuracy --tasks reverse --set dropout=1", "below 1"),
        ("accuracy --tasks reverse --set optimizer=adam", "Did you mean 'adamw'"),
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
        ("accuracy --encodings a.py:Mine b.py:Mine", "would both be called Mine in tables"),
        ("superposition --photographs nothing", "nothing"),
        ("superposition --encodings sinusodial", "Did you mean 'sinusoidal'"),
        ("nothing.py", "There is no file"),
        ("accuracy --encodings nothing.py:Mine", "There is no file"),
        (f"accuracy --results {ROOT / 'jaxpe'}", "not a results folder"),
        ("accuracy --preset smoke --log-to nothing", "Unknown sink 'nothing'"),
        ("accuracy --preset smoke --log-to wandb:projet=a", "projet"),
        ("accuracy --preset smoke --machines 4", "give them with --dry-run"),
        ("accuracy --preset smoke --dry-run --machines 0", "--machines must be at least 1"),
        ("accuracy --preset smoke --dry-run --gpu abacus", "No rates were measured for --gpu abacus"),
    ],
)
def test_bad_input_is_one_sentence(tmp_path, capsys, line, says):
    results = () if "--results" in line else ("--results", tmp_path / "r")
    assert_one_sentence(call_jaxpe(capsys, "run", *line.split(), *results), says)
    assert not (tmp_path / "r").exists()
