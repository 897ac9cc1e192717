"""Figures of the structure experiment, drawn from its table alone."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from jaxpe.figures import position_tables, position_use, recovery
from jaxpe.figures.language_models import name_models


def draw_all(table: pd.DataFrame) -> dict[str, Figure]:
    """Position tables; where text was run, also the use of position and loss by place; where models were probed, recovery."""
    figures: dict[str, Figure] = {}
    if "rows" in table:  # where something is added to the tokens
        named = name_models(table)
        figures["similarity"] = position_tables.draw_similarity(named)
        figures["lags"] = position_tables.draw_lags(named)
        figures["spectrum"] = position_tables.draw_spectra(named)
        figures["measures"] = position_tables.draw_measures(named)
    if "condition" in table:
        figures["use"] = position_use.draw_use(table)
        figures["costs"] = position_use.draw_costs(table)
        figures["loss_by_place"] = position_use.draw_loss_by_place(table)
    if "network" in table:
        figures["layers"] = recovery.draw_layers(table)
        figures["projected_out"] = recovery.draw_projections(table)
    return figures
