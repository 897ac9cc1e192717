"""A small figure with everything that figures share."""

import pandas as pd

from jaxpe.figures import draw

TABLE = pd.DataFrame(
    [
        {
            "encoding": encoding, "positions": "arange", "test_length": length, "value": 1 / length, "length_baseline": 0.1,
            "order_blind_baseline": 0.2, "seed": seed,
        }
        for encoding in ("none", "learned") for length in (2, 4) for seed in range(2)
    ]
)  # fmt: skip


def draw_example(columns=2, width=3.6, name="", caption="two seeds"):
    """Panels with curves, baselines, points by encoding, a legend and a caption."""
    figure, axes = draw.make_panels(columns, columns=columns, width=width, height=2.5)
    for axis in axes:
        axis.set_title("reverse, encoder-decoder, N = 12")
        axis.set_xlabel("test length")
    draw.draw_curves(axes[0], TABLE)
    draw.draw_baselines(axes[0], TABLE)
    draw.mark_train_length(axes[0], 3)
    for i in range(5 if name else 0):
        axes[0].plot([2, 4], [i, i + 1], label=f"{name} {i}")
    draw.draw_seeds(axes[-1], TABLE, ["none", "learned"])
    draw.add_legend(figure, axes)
    draw.add_caption(figure, caption)
    return figure
