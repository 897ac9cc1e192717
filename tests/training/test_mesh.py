"""Replicas on several devices."""

import subprocess
import sys


def test_eight_devices_train_without_collectives():
    """Compiled in a process of its own with eight virtual devices, one replica each."""
    code = (
        "import jax; jax.config.update('jax_num_cpu_devices', 8)\n"
        "from jaxpe.training.config import RunConfig, Training\n"
        "from jaxpe.training.mesh import make_mesh\n"
        "from jaxpe.training.population import compile_program\n"
        "from jaxpe.training.sources import load_source\n"
        "training = Training(steps=4, batch=4, length_buckets=1)\n"
        "config = RunConfig('reverse', 'encoder', 'learned', 6, 60, width=8, layers=1, training=training)\n"
        "program = compile_program(config, load_source(config), make_mesh())\n"
        "assert program.replicas == 8\n"
        "print(program.compiled.as_text())"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "num_partitions=8" in result.stdout
    collectives = ("all-reduce", "all-gather", "collective-permute", "all-to-all")
    assert not any(word in result.stdout for word in collectives)
