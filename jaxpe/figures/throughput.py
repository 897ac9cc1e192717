"""The figure of the throughput experiment, drawn from its table alone."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from jaxpe.figures import draw
from jaxpe.figures.style import pick_style
from jaxpe.study import tables


def draw_all(table: pd.DataFrame) -> dict[str, Figure]:
    """Speed as a share of a matrix product's, and the time of a step against the number of replicas."""
    figure, (left, right) = draw.make_panels(2, columns=2, width=4.4, height=3.0)
    shares = table[table["metric"].str.contains("_share_of_")]
    left.barh([name.replace("_share_of_", ",\nof the ") for name in shares["metric"]], shares["value"], color="#0072B2")
    left.set_xlabel("speed, as a share of the matrix product's\nand of the roofline")
    for i, batching in enumerate(("map", "vmap")):
        part = tables.select_rows(table, metric=f"milliseconds_per_step_and_replica_{batching}")
        draw.draw_line(right, part.set_index("replicas")["value"], pick_style(i + 1), batching)
    right.set_xscale("log", base=2)
    draw.leave_headroom(right)
    right.set_xlabel("replicas on one device")
    right.set_ylabel("milliseconds per step and replica")
    right.legend(frameon=False)
    draw.add_caption(figure, "One run on one machine. Compare ratios, not seconds.")
    return {"throughput": figure}
