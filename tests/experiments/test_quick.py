"""The committed tables of the preset quick show every headline effect: models that learned something, a result for each claim."""

import pytest
from support import ROOT

from jaxpe.records.claims import read_claims
from jaxpe.records.csv_tables import read_table
from jaxpe.study.experiment import STUDY, load_experiment

RESULTS = ROOT / "results"
NOT_IN_QUICK = {
    "C2",  # needs pairs of sentences, which jaxpe does not bring along
    "C10",  # of a size that takes hours; its part at a smaller size is there
}


@pytest.mark.parametrize("name", STUDY)
def test_every_headline_claim_has_a_result(name):
    declared = {claim.id for claim in load_experiment(name).module.CLAIMS if claim.family == "primary"}
    shown = {result["id"] for result in read_claims(RESULTS / name)}
    assert declared - NOT_IN_QUICK <= shown


def test_language_models_guess_better_than_without_context():
    """On average over seeds: two tests of 256 texts each."""
    table = read_table(RESULTS / "structure" / "table.csv")
    text = table[(table["metric"] == "bits_per_character") & (table["test_length"] == table["train_length"])]
    means = text.groupby(["task", "encoding"])[["value", "length_baseline"]].mean()
    assert {task for task, _ in means.index} == {"masked_lm", "causal_lm"}
    assert (means["value"] < means["length_baseline"]).all()
