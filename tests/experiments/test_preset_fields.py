"""What an experiment without a grid says that it uses of a preset."""

from dataclasses import fields
from typing import ClassVar

import pytest

from jaxpe.records.results import open_results
from jaxpe.study.experiment import load_experiment
from jaxpe.study.presets import Preset
from jaxpe.study.workspace import Workspace

PARTS = {field.name for field in fields(Preset)} - {"grid", "options"}


class RecordingPreset(Preset):
    """A preset that notes which of its fields are read."""

    read: ClassVar[set[str]] = set()

    def __getattribute__(self, name):
        if name in PARTS:
            type(self).read.add(name)
        return super().__getattribute__(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["pretrained", "superposition", "throughput"])
def test_an_experiment_reads_the_fields_that_it_names_and_no_others(name, tmp_path):
    module = load_experiment(name).module
    small = module.PRESETS["smoke"]
    preset = RecordingPreset(**{field.name: getattr(small, field.name) for field in fields(Preset)})
    RecordingPreset.read = set()
    module.measure(Workspace(open_results(tmp_path / "r")), [], preset)
    unread = set(module.PRESET_FIELDS) - RecordingPreset.read
    assert RecordingPreset.read <= set(module.PRESET_FIELDS)
    assert unread <= {"corpus", "text_column"}  # `pretrained` reads them where a published model is in the cache
