"""Sinks of metrics: what each writes, options, missing packages, and sinks of the user's own."""

import json
import sys
from types import SimpleNamespace

import pytest
from command_line import assert_one_sentence, call_jaxpe
from small_runs import CONFIG

from jaxpe.errors import UserError
from jaxpe.study import sinks
from jaxpe.study.sinks import ReplicaMetrics, RoundMetrics, open_sinks

OWN = """
from jaxpe.study.sinks import MetricSink

class Counting(MetricSink):
    def __init__(self, folder, *, start: int = 0):
        super().__init__(folder)
        self.count = start

    def write(self, metrics):
        self.count += 1

class Faulty(MetricSink):
    def __init__(self, folder):
        raise KeyError("no address")

    def write(self, metrics): ...
"""


def make_metrics(step, loss=0.123456789, state="training"):
    values = {"loss": loss, "learning_rate": 0.001} if state == "training" else {}
    replicas = [ReplicaMetrics(f"{seed}" * 64, seed, CONFIG, state, values) for seed in (1, 2)]
    return RoundMetrics("reverse, encoder, own/file.py:X:a=1", step, 200, 50.00000001, tuple(replicas))


class Recording:
    """A library like those of the adapters, which records its calls."""

    def __init__(self):
        self.calls, self.opened = [], []

    def init(self, **options):
        self.opened.append(options)
        return self.make(options["name"])

    def SummaryWriter(self, folder):
        self.opened.append({"folder": folder})
        return self.make(folder)

    def make(self, name):
        note = lambda *words: self.calls.append((name, *words))  # noqa: E731
        return SimpleNamespace(
            log=lambda values, step: note(step, values), finish=lambda: note("end"), close=lambda: note("end"),
            add_scalar=lambda key, value, step: note(step, {key: value}), flush=lambda: None,
        )  # fmt: skip


def test_the_file_has_a_line_for_each_chunk_of_a_round(tmp_path):
    [file] = open_sinks((), tmp_path / "r")
    assert not (tmp_path / "r").exists()  # nothing is trained, nothing is written
    for step in (100, 200):
        file.write(make_metrics(step))
    file.write(make_metrics(200, float("nan")))
    file.write(make_metrics(200, state="diverged"))
    [path] = (tmp_path / "r" / "metrics").iterdir()
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["step"] for line in lines] == [100, 200, 200, 200] and lines[0]["steps_per_second"] == 50
    replica = {"run": "1" * 64, "seed": 1, "state": "training", "loss": 0.123457, "learning_rate": 0.001}
    assert lines[0]["replicas"][0] == replica
    assert lines[2]["replicas"][0]["loss"] is None and "loss" not in lines[3]["replicas"][0]


@pytest.mark.parametrize(
    ("name", "package"), [("tensorboard", "tensorboardX"), ("trackio", "trackio"), ("wandb", "wandb")]
)
def test_an_adapter_shows_each_training_as_a_run(name, package, tmp_path, monkeypatch):
    library = Recording()
    monkeypatch.setitem(sys.modules, package, library)
    _, sink = open_sinks([name], tmp_path)
    assert library.opened == []  # nothing is sent before there is something to send
    for step in (100, 200):
        sink.write(make_metrics(step))
    assert len(library.opened) == 2 and sink.open_runs == {}
    for i, seed in enumerate((1, 2)):
        label = library.opened[i].get("name") or library.opened[i]["folder"]
        of_run = [words for run, *words in library.calls if run == label]
        values = {}
        for step, logged in of_run[:-1]:
            values.setdefault(step, {}).update(logged)
        expected = {"loss": 0.123456789, "learning_rate": 0.001, "steps_per_second": 50.00000001}
        assert f"seed{'_' if name == 'tensorboard' else ' '}{seed}" in label
        assert of_run[-1] == ["end"] and values == {100: expected, 200: expected}
    if name == "tensorboard":
        assert {path.parent for path in map(type(tmp_path), [run["folder"] for run in library.opened])} == {
            tmp_path / "metrics" / "tensorboard"
        }
    else:
        assert library.opened[0]["config"]["task"] == "reverse" and library.opened[0]["config"]["seed"] == 1


def test_options_of_an_adapter_follow_its_name(tmp_path, monkeypatch):
    library = Recording()
    monkeypatch.setitem(sys.modules, "wandb", library)
    _, sink = open_sinks(["wandb:project=mine:mode=offline"], tmp_path)
    sink.write(make_metrics(100))
    assert [library.opened[0][key] for key in ("project", "mode", "entity")] == ["mine", "offline", None]
    with pytest.raises(UserError, match=r"option of wandb 'projekt'.*'project'"):
        open_sinks(["wandb:projekt=mine"], tmp_path)


@pytest.mark.parametrize(
    ("name", "package"), [("tensorboard", "tensorboardX"), ("trackio", "trackio"), ("wandb", "wandb")]
)
def test_a_missing_package_is_one_sentence_that_names_the_extra(name, package, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, package, None)
    words = ("run", "accuracy", "--preset", "smoke", "--dry-run", "--results", tmp_path / "r", "--log-to", name)
    assert_one_sentence(
        call_jaxpe(capsys, *words), f"needs the package {package}: install it with `pip install 'jaxpe[{name}]'`"
    )


def test_an_unknown_sink_is_refused_with_the_nearest_name(tmp_path):
    with pytest.raises(UserError, match=r"Unknown sink 'tensorbord'. Did you mean 'tensorboard'\?"):
        open_sinks(["tensorbord"], tmp_path)


def test_a_sink_in_a_file_of_the_users_own(tmp_path):
    path = tmp_path / "own.py"
    path.write_text(OWN)
    _, own = open_sinks([f"{path}:Counting:start=3"], tmp_path)
    own.write(make_metrics(100))
    assert own.count == 4
    with pytest.raises(UserError, match=r"could not be opened: KeyError: 'no address' \(own.py, line 14\)"):
        open_sinks([f"{path}:Faulty"], tmp_path)


def test_the_file_of_a_process_is_its_own(tmp_path, monkeypatch):
    first = open_sinks((), tmp_path)[0].path
    monkeypatch.setattr(sinks.os, "getpid", lambda: 1)
    assert open_sinks((), tmp_path)[0].path != first


@pytest.mark.parametrize("name", ["tensorboard", "trackio", "wandb:mode=offline"])
def test_the_real_library_takes_the_metrics(name, tmp_path, monkeypatch):
    """Without a network: files and a local database."""
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "trackio"))  # which it reads when it is imported
    pytest.importorskip({"tensorboard": "tensorboardX"}.get(name, name.partition(":")[0]))
    _, sink = open_sinks([name], tmp_path / "r")
    for step in (100, 200):
        sink.write(make_metrics(step))
    written = [path for path in tmp_path.rglob("*") if path.is_file() and path.stat().st_size]
    assert {"tensorboard": "tfevents", "trackio": ".db", "wandb:mode=offline": ".wandb"}[name] in " ".join(
        path.name for path in written
    )
