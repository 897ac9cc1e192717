"""Replicas on several devices."""

import socket
import subprocess
import sys

import pytest
from command_line import ENVIRONMENT


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_process_uses_the_devices_of_its_own_host():
    """Two processes that jax.distributed has connected, as on two hosts: four devices, of which each has two."""
    code = (
        "import sys, jax\njax.config.update('jax_num_cpu_devices', 2)\n"
        "jax.distributed.initialize(sys.argv[1], 2, int(sys.argv[2]))\n"
        "from jaxpe.devices import prepare_jax\nprepare_jax(None)\n"
        "from jaxpe.training.mesh import make_mesh\nprint(jax.device_count(), make_mesh().size)"
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    words = [[sys.executable, "-c", code, address, str(number)] for number in range(2)]
    processes = [subprocess.Popen(one, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT) for one in words]
    assert [process.communicate(timeout=300)[0] for process in processes] == ["4 2\n"] * 2
