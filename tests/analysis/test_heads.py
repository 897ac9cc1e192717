"""The rows that describe the heads of a decoder and of an encoder."""

import pytest
from probed_models import measure_head_table

from jaxpe.analysis.head_scores import KINDS
from jaxpe.analysis.repeated_tokens import ON_REPEATED
from jaxpe.study import tables


@pytest.mark.parametrize(("architecture", "missing"), [("decoder", {"next"}), ("encoder", {"induction", "duplicate"})])
def test_every_head_has_scores_baselines_losses_and_maps(architecture, missing):
    part = tables.select_rows(measure_head_table(), architecture=architecture, seed=0)
    scores = part[part["metric"] == "head_score"]
    assert set(scores["kind"]) == set(KINDS) - missing
    for kind in set(scores["kind"]):
        assert len(tables.select_rows(scores, kind=kind, network="trained")) == 4
        baselines = {"uniform", "unrepeated"} if kind in ON_REPEATED else {"uniform"}
        baselines = {"shuffled"} if kind == "positional" else baselines
        assert set(tables.select_rows(part, metric="head_baseline", kind=kind)["baseline"]) == baselines
    assert (part["metric"] == "head_ablation").sum() == 4
    changes = part[part["metric"] == "head_knockout"].groupby("kind")["change"].agg(set)
    assert changes["positional"] == {"mean map", "uniform"} and changes["previous"] == {"pattern", "another key"}
    assert ("induction" in changes) == (architecture == "decoder")
    assert ("next" in changes) == (architecture == "encoder")
    maps = part[part["metric"] == "head_map"]
    assert maps.groupby(["kind", "row"])["value"].sum().to_numpy() == pytest.approx(1, abs=0.01)
    assert part[part["metric"] == "head_map_token"]["word"].str.startswith("w").all()
    assert (part["metric"] == "repeated_loss").sum() == (4 if architecture == "decoder" else 0)
