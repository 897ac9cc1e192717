"""Two virtual devices and a cache of its own for every test run; shape annotations are checked at run time.

Compiling takes most of the time of the tests. Workers, subprocesses and later test runs share what was compiled: a program is
kept under a digest of all that it depends on.
"""

import os
import tempfile
import time
from contextlib import suppress
from pathlib import Path

PROGRAMS = Path(__file__).parents[1] / ".pytest_cache" / "xla"
KEPT_DAYS = 14

if "JAXPE_CACHE" not in os.environ:  # workers and subprocesses get it from the first process
    os.environ["JAXPE_CACHE"] = tempfile.mkdtemp(prefix="jaxpe-tests-")
    PROGRAMS.mkdir(parents=True, exist_ok=True)
    Path(os.environ["JAXPE_CACHE"], "xla").symlink_to(PROGRAMS)
    for path in PROGRAMS.iterdir():
        with suppress(FileNotFoundError):  # another test run removes the same files
            if time.time() - path.stat().st_mtime > KEPT_DAYS * 86400:
                path.unlink()
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # workers share the cores: more threads only wait for each other
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["JAX_COMPILATION_CACHE_DIR"] = os.environ["JAXPE_CACHE"] + "/xla"
os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
os.environ["JAX_PERSISTENT_CACHE_ENABLE_XLA_CACHES"] = (
    "none"  # their folders, which differ, would be a part of the digests
)

from jaxtyping import install_import_hook  # noqa: E402

install_import_hook(
    [
        "jaxpe.analysis.joint", "jaxpe.analysis.published", "jaxpe.analysis.word_order", "jaxpe.data.examples", "jaxpe.encodings", "jaxpe.pretrained.families", "jaxpe.tasks.formatting", "jaxpe.pretrained.ctranslate2_files", "jaxpe.pretrained.gguf_files", "jaxpe.pretrained.onnx_files", "jaxpe.pretrained.torch_files", "jaxpe.pretrained.stored_arrays", "jaxpe.pretrained.minilm", "jaxpe.model",
        "jaxpe.positions", "jaxpe.pretrained.models", "jaxpe.tasks", "jaxpe.pretrained.weight_files",
    ],
    "beartype.beartype",
)  # fmt: skip

import jax  # noqa: E402
import pytest  # noqa: E402

from jaxpe import devices  # noqa: E402

jax.config.update("jax_num_cpu_devices", 2)
devices.KEPT_FROM = 0.0
# Programs are compiled with few optimizations, in half the time. What runs in a process of its own has them: XLA reads its
# flags when it starts, so the environment need not keep them.
devices.PINNED["jax_disable_most_optimizations"] = True
jax.config.update("jax_disable_most_optimizations", True)
flags = os.environ.get("XLA_FLAGS")
fewer_emitters = "--xla_cpu_use_fusion_emitters=false" if jax.__version_info__ < (0, 11) else ""  # unknown since then
os.environ["XLA_FLAGS"] = f"{flags or ''} {fewer_emitters} --xla_cpu_parallel_codegen_split_count=1"
jax.devices()
if flags is None:
    del os.environ["XLA_FLAGS"]
else:
    os.environ["XLA_FLAGS"] = flags


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """The fast tests of a file run in one worker, which shares what they make, unless they name another group."""
    for item in items:
        if not {"slow", "xdist_group"} & {mark.name for mark in item.iter_markers()}:
            item.add_marker(pytest.mark.xdist_group("/".join(item.path.parts[-2:])))
