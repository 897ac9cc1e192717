"""The same command gives the same results whatever surrounds it, or says in one sentence why it cannot."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import ENVIRONMENT
from support import ROOT

TINY = (
    "run", "accuracy", "--preset", "smoke", "--tasks", "reverse", "--architectures", "encoder", "--encodings", "none", "sinusoidal",
    "--set", "steps=20", "--quiet",
)  # fmt: skip


def start(*words, folder, changes=(), removed=(), **streams):
    """A command in a process of its own, in an environment with changes."""
    environment = {name: value for name, value in ENVIRONMENT.items() if name not in removed} | dict(changes)
    command = [sys.executable, "-m", "jaxpe", *map(str, words)]
    options = streams or {"capture_output": True}
    return subprocess.run(command, cwd=folder, env=environment, text=True, errors="replace", check=False, **options)


def read_results(folder):
    """Tables, claims, parameters, figures and the page of a results folder."""
    kept = (".csv", ".svg", ".html", ".safetensors")
    paths = [path for path in sorted(folder.rglob("*")) if path.suffix in kept or path.name == "claims.json"]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


@pytest.fixture(scope="module")
def calm(tmp_path_factory):
    """The results of the command under plain surroundings."""
    folder = tmp_path_factory.mktemp("calm")
    done = start(*TINY, "--results", "r", folder=folder)
    assert done.returncode == 0, done.stderr
    results = read_results(folder / "r")
    assert {Path(name).suffix for name in results} == {".csv", ".svg", ".html", ".safetensors", ".json"}
    return results


def write_style(folder):
    """A matplotlibrc that changes everything that a figure shows, where matplotlib looks first."""
    text = "font.family: serif\nlines.linewidth: 6\nsavefig.bbox: tight\nfigure.dpi: 37\naxes.prop_cycle: cycler('color', ['r'])\n"
    (folder / "matplotlibrc").write_text(text)


SETTINGS = {
    "x64": {"JAX_ENABLE_X64": "1"},
    "generator": {"JAX_DEFAULT_PRNG_IMPL": "rbg"},
    "threefry": {"JAX_THREEFRY_PARTITIONABLE": "0"},
    "seed offset": {"JAX_RANDOM_SEED_OFFSET": "7"},
    "precision": {"JAX_DEFAULT_MATMUL_PRECISION": "bfloat16"},
    "no jit": {"JAX_DISABLE_JIT": "1"},
    "strict promotion": {"JAX_NUMPY_DTYPE_PROMOTION": "strict"},
    "debug": {"JAX_DEBUG_NANS": "1", "JAX_CHECK_TRACER_LEAKS": "1"},
    "backend of matplotlib": {"MPLBACKEND": "TkAgg"},
    "a module as backend": {"MPLBACKEND": "module://matplotlib_inline.backend_inline"},
    "warnings": {"PYTHONWARNINGS": "error"},
    "C locale": {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "colours": {"FORCE_COLOR": "1", "TTY_COMPATIBLE": "1"},
    "no colours": {"NO_COLOR": "1", "TERM": "dumb"},
    "width": {"COLUMNS": "0", "LINES": "wide"},
    "hash seed": {"PYTHONHASHSEED": "123"},
    "another hash seed": {"PYTHONHASHSEED": "4"},
    "optimized": {"PYTHONOPTIMIZE": "2"},
    "time zone": {"TZ": "Pacific/Kiritimati", "SOURCE_DATE_EPOCH": "abc"},
}


@pytest.mark.slow
@pytest.mark.trial
@pytest.mark.parametrize("name", SETTINGS)
def test_no_variable_changes_a_result(name, calm, tmp_path):
    if name.startswith("backend"):
        write_style(tmp_path)
    done = start(*TINY, "--results", "r", folder=tmp_path, changes=SETTINGS[name])
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr
    assert "\x1b" not in done.stderr
    assert read_results(tmp_path / "r") == calm


@pytest.mark.slow
@pytest.mark.trial
def test_a_run_under_a_style_of_the_users_is_drawn_as_ever(calm, tmp_path):
    write_style(tmp_path)
    (tmp_path / "config" / "matplotlib").mkdir(parents=True)
    (tmp_path / "config" / "matplotlib" / "matplotlibrc").write_text("text.usetex: True\n")
    changes = {"MATPLOTLIBRC": str(tmp_path / "matplotlibrc"), "XDG_CONFIG_HOME": str(tmp_path / "config")}
    assert start(*TINY, "--results", "r", folder=tmp_path, changes=changes).returncode == 0
    assert read_results(tmp_path / "r") == calm


@pytest.mark.slow
@pytest.mark.trial
@pytest.mark.parametrize("devices", ["1", "3"])
def test_the_number_of_devices_changes_no_result(devices, calm, tmp_path):
    done = start(*TINY, "--results", "r", "--devices", devices, folder=tmp_path)
    assert done.returncode == 0 and read_results(tmp_path / "r") == calm


@pytest.mark.slow
@pytest.mark.trial
def test_flags_of_xla_are_another_run(calm, tmp_path):
    done = start(*TINY, "--results", "r", folder=tmp_path, changes={"XLA_FLAGS": "--xla_cpu_enable_fast_math=true"})
    runs = {name for name in read_results(tmp_path / "r") if name.startswith("runs/")}
    assert done.returncode == 0 and len(runs) == 2 and not runs & set(calm)


@pytest.mark.slow
@pytest.mark.trial
def test_the_same_command_again_changes_no_byte(tmp_path):
    for _ in range(2):
        assert start(*TINY, "--results", "r", folder=tmp_path).returncode == 0
        first = read_results(tmp_path / "r")
    assert start(*TINY, "--results", "r", folder=tmp_path).returncode == 0 and read_results(tmp_path / "r") == first


@pytest.mark.slow
@pytest.mark.parametrize("closed", ["0", "1", "2", "0 1 2"])
def test_closed_streams_lose_nothing(closed, tmp_path):
    """The next file that is opened would get the number of a closed stream, and what others print there."""
    close = " ".join(f"{number}<&-" if number == "0" else f"{number}>&-" for number in closed.split())
    script = f"exec {sys.executable} -m jaxpe new mine --folder out {close}"
    done = subprocess.run(["sh", "-c", script], cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True)
    assert done.returncode == 0 and (tmp_path / "out" / "mine.py").is_file()
    assert "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("words", ["list tasks", "list encodings --json", "--help", "run accuracy --help"])
def test_output_that_nobody_reads_is_no_fault(words, tmp_path):
    """As in `jaxpe list tasks | true`."""
    environment = {name: value for name, value in ENVIRONMENT.items() if name != "PYTHONUNBUFFERED"}
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "jaxpe", *words.split()]
    done = subprocess.run(command, cwd=tmp_path, env=environment, stdout=write, stderr=subprocess.PIPE, text=True)
    os.close(write)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
@pytest.mark.parametrize("words", [("doctor",), (*TINY, "--results", "r"), ("check", "rotary")])
def test_a_platform_that_is_not_there_is_named(words, tmp_path):
    done = start(*words, folder=tmp_path, changes={"JAX_PLATFORMS": "cuda"})
    assert done.returncode == 2 and "JAX_PLATFORMS is 'cuda'" in done.stderr and "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 1


def run_python(code, folder, **changes):
    return subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=ENVIRONMENT | changes, capture_output=True, text=True
    )


@pytest.mark.slow
def test_a_command_in_a_process_that_has_used_jax_goes_on_or_says_to_start_another(tmp_path):
    code = "import jax; jax.numpy.ones(3).sum(); from jaxpe import cli; cli.main(%r)"
    done = run_python(code % ["doctor"], tmp_path)
    assert done.returncode == 0 and "Traceback" not in done.stderr
    done = run_python(code % [*TINY, "--devices", "5", "--results", "r"], tmp_path)
    assert done.returncode == 2 and "start a new process for --devices 5" in done.stderr


@pytest.mark.slow
@pytest.mark.trial
def test_settings_that_a_library_left_behind_are_set_back_or_refused(tmp_path, calm):
    """As a notebook does that computes with 64 bits before it calls jaxpe."""
    setting = "import jax; jax.config.update('jax_enable_x64', True)\n"
    done = run_python(setting + f"from jaxpe import cli; cli.main({[*TINY, '--results', 'r']!r})", tmp_path)
    assert done.returncode == 0 and read_results(tmp_path / "r") == calm
    code = (
        "from pathlib import Path\nfrom jaxpe.study.workspace import Workspace\nfrom jaxpe.records.results import open_results\n"
        "from jaxpe.training.config import RunConfig\n"
        "Workspace(open_results(Path('s'))).list_runs(RunConfig('reverse', 'encoder', 'none', 5, 20), [0])\n"
    )
    done = run_python(setting + code, tmp_path)
    assert done.returncode == 1 and "jax_enable_x64 is True" in done.stderr


def test_a_folder_that_is_gone_is_named(tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    script = f"cd {gone} && rmdir {gone} && exec {sys.executable} -m jaxpe list tasks"
    done = subprocess.run(
        ["sh", "-c", script],
        env=ENVIRONMENT | {"PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2 and "The current folder no longer exists" in done.stderr


@pytest.mark.parametrize("removed", [("HOME",), ("HOME", "TMPDIR", "JAXPE_CACHE", "XDG_CACHE_HOME", "USER", "LOGNAME")])
def test_a_process_without_a_home_works_or_says_what_to_set(removed, tmp_path):
    done = start(
        "doctor", folder=tmp_path, removed=removed, changes={"JAXPE_CACHE": str(tmp_path)} if len(removed) > 1 else {}
    )
    assert done.returncode == 0 and "Traceback" not in done.stderr


def test_a_cache_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    done = start("doctor", folder=tmp_path, changes={"JAXPE_CACHE": str(tmp_path / "file")})
    assert done.returncode == 2 and "set JAXPE_CACHE to a folder of your own" in done.stderr


@pytest.mark.slow
@pytest.mark.trial
@pytest.mark.parametrize(
    "name", ["with space", "ünïcode 位置", "-dash", "a'quote\"", "percent%20", "line\nbreak", "$HOME", "*?[x]"]
)
def test_odd_names_of_folders_change_nothing(name, calm, tmp_path):
    folder = tmp_path / name
    folder.mkdir()
    done = start(*TINY, f"--results={folder / 'r'}", folder=tmp_path)
    assert done.returncode == 0 and read_results(folder / "r") == calm
