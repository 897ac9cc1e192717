"""results/DATA.md: as the generator writes it, with a recipe that runs."""

import json
import re

import pytest
from results_folders import make_rows, write_results
from support import ROOT

from jaxpe.errors import UserError
from jaxpe.report.data_guide import DATA, render_data_guide
from jaxpe.report.definitions import read_definitions
from jaxpe.report.results import QUICK, STANDARD
from jaxpe.report.verify import verify_results_page


@pytest.fixture(scope="module")
def page():
    return render_data_guide([ROOT / QUICK, ROOT / STANDARD])


def test_the_committed_page_is_what_the_generator_writes(page):
    assert (ROOT / DATA).read_text(encoding="utf-8") == page


def test_the_page_has_a_line_for_every_column_and_metric(page):
    for kind in ("columns", "metrics"):
        for name in read_definitions()[kind]:
            assert f"\n| `{name}` | " in page


def test_the_recipe_gives_the_mean_of_a_committed_claim(page, monkeypatch):
    """C3 of extrapolation: sinusoidal on reverse at twice the training length, minus the order-blind baseline."""
    monkeypatch.chdir(ROOT)
    recipe = re.search(r"```python\n(.*?)```", page, re.DOTALL)[1]
    assert len(recipe.strip().splitlines()) <= 6  # the import, an empty line, and four more
    names = {}
    exec(recipe, names)
    means, table = names["means"], names["table"]
    mean = means.loc[("reverse", "encoder", "sinusoidal", "arange", 24, "token_accuracy")]
    at = table[(table["task"] == "reverse") & (table["test_length"] == 24) & (table["metric"] == "token_accuracy")]
    claims = json.loads((ROOT / STANDARD / "extrapolation" / "claims.json").read_text())
    [claim] = [claim for claim in claims if claim["id"] == "C3"]
    baseline = at["order_blind_baseline"].dropna().iloc[0]
    assert mean - baseline == pytest.approx(claim["effect"], abs=1e-6)


def test_what_is_not_defined_is_told(tmp_path):
    write_results(tmp_path / "r", make_rows([0.1], metric="new_metric"))
    with pytest.raises(UserError, match=r"definitions\.json does not define 'new_metric': add its meaning"):
        render_data_guide([tmp_path / "r"])


def test_seeds_and_means_are_told_apart(tmp_path):
    means = [row | {"seed": None} for row in make_rows([0.1], metric="loss")]
    write_results(tmp_path / "r", [*make_rows([0.1]), *make_rows([0.2], metric="loss"), *means])
    lines = {line.split(" | ")[0]: line for line in render_data_guide([tmp_path / "r"]).splitlines()}
    assert lines["| `loss`"].endswith("| all | seeds and means |")
    assert lines["| `token_accuracy`"].endswith("| all | seeds |")
    assert lines["| `spectrum`"].endswith("| no committed table |  |")


def test_it_is_verified_with_its_results(tmp_path):
    folder = tmp_path / "results"
    write_results(folder, make_rows([0.1]))
    (tmp_path / DATA).write_text(render_data_guide([folder]))
    assert verify_results_page(folder, tmp_path).differences == ()
    (tmp_path / DATA).write_text(render_data_guide([folder]).replace("Answer symbols", "Symbols"))
    assert len(verify_results_page(folder, tmp_path).differences) == 1
