"""`jaxpe list fields`: what `--set` takes, with the values of a preset and the meaning of each."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from jaxpe.cli.arguments import list_parameters
from jaxpe.cli.experiment_options import find_options
from jaxpe.cli.overrides import name_kind
from jaxpe.study.experiment import load_experiment
from jaxpe.study.fields import FIELDS
from jaxpe.study.presets import NOT_OVERRIDDEN, Preset


def list_fields(experiment: str | None, preset_name: str) -> list[dict[str, Any]]:
    """The fields of a preset with the values that they have there; without an experiment, their defaults.

    With an experiment, also the options that it alone has. Raises UserError for an unknown experiment or preset.
    """
    loaded = load_experiment(experiment) if experiment else None
    preset = loaded.get_preset(preset_name) if loaded else Preset(())
    rows = []
    for one in fields(Preset):
        if one.name in NOT_OVERRIDDEN:
            continue
        described, kind = FIELDS[one.name], name_kind(str(one.type))
        value = getattr(preset, one.name)
        overrides = [row.overrides[one.name] for row in preset.grid if one.name in row.overrides]
        others = list(dict.fromkeys(format_value(other) for other in overrides if other != value))
        rows.append(
            {
                "name": one.name,
                "value": format_value(value),
                "summary": described.meaning
                + (f" [{described.unit}]" if described.unit else "")
                + (f" (some rows: {', '.join(others)})" if others else ""),
                "type": kind,
                "unit": described.unit,
            }
        )
    kind_of_options = find_options(loaded) if loaded else None
    for parameter in list_parameters(kind_of_options) if kind_of_options else []:
        rows.append(
            {
                "name": parameter.name,
                "value": "",
                "summary": f"option of {experiment}, see `jaxpe run {experiment} --help`",
            }
        )
    return rows


def format_value(value: Any) -> str:
    """A value as it is typed after --set."""
    if isinstance(value, tuple):
        return "/".join(f"{part:g}" for part in value) or "none"
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)
