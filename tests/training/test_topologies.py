"""Compiling for TPUs that are not there: with libtpu, the real compiler accepts training and evaluation."""

from dataclasses import replace

import pytest
from small_runs import CONFIG

from jaxpe.training import evaluate, population
from jaxpe.training.mesh import BATCHING, make_mesh
from jaxpe.training.scores import measure_scores
from jaxpe.training.sources import load_source


@pytest.fixture
def get_topology(monkeypatch):
    """The devices of a TPU that is only described."""
    pytest.importorskip("libtpu")
    monkeypatch.setenv("TPU_SKIP_MDS_QUERY", "1")  # libtpu asks the network for its host
    from jax.experimental import topologies

    return lambda name: topologies.get_topology_desc(platform="tpu", topology_name=name).devices


@pytest.mark.slow
@pytest.mark.parametrize(("topology", "kind"), [("v5e:2x2", "TPU v5 lite"), ("v6e:2x2", "TPU v6 lite")])
def test_training_and_evaluation_compile_for_a_tpu(topology, kind, get_topology):
    """Replicas of a device in one program, as on a TPU, and four devices without any communication between them."""
    devices, batching = get_topology(topology), BATCHING["tpu"]
    assert [device.device_kind for device in devices] == [kind] * 4
    mesh = make_mesh(devices)
    config = replace(
        CONFIG, replicas_per_device=2, batching=batching.batching, activation_budget=batching.activation_budget
    )
    source = load_source(config)
    program = population.compile_program(config, source, mesh)
    evaluator = evaluate.compile_evaluator(config, source.stream, source.train, mesh, 12, 16, measure_scores)
    assert program.replicas == 8
    for compiled in (program.compiled, evaluator.measure):
        assert compiled.memory_analysis().generated_code_size_in_bytes > 0
        text = compiled.as_text()
        assert "while" in text
        assert not [name for name in ("all-reduce", "all-gather", "all-to-all", "collective-permute") if name in text]
