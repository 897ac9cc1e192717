"""RESULTS.md: as the generator writes it, with links that lead somewhere."""

import re
import shutil

import pytest
from page_folders import make_entry, write_folder
from support import ROOT

from jaxpe.report.results import SECTIONS, STANDARD, list_shown_figures, render_results


@pytest.fixture(scope="module")
def page():
    return render_results(ROOT)


def test_the_committed_page_is_what_the_generator_writes(page):
    assert (ROOT / "RESULTS.md").read_text(encoding="utf-8") == page


def test_every_section_has_sentences_a_figure_and_its_claims(page):
    for part, section in zip(page.split("\n## ")[3:], SECTIONS, strict=True):
        assert part.startswith(section.title) and "Not run." not in part
        assert part.count("![") == len(section.figures) and "<details>" in part


def test_links_lead_to_files(page):
    for target in re.findall(r"\]\(([^)]+)\)", page):
        assert (ROOT / target).exists(), target


def test_every_figure_that_is_shown_is_committed():
    figures = list_shown_figures(ROOT)
    assert len(figures) > 20 and [figure for figure in figures if not (ROOT / figure).is_file()] == []


def test_what_was_not_run_is_left_out(tmp_path):
    """Without a table there is no number; the section says that it was not run."""
    folder = tmp_path / STANDARD
    shutil.copytree(ROOT / STANDARD / "reproduction", folder / "reproduction")
    page = render_results(tmp_path)
    assert page.count("\nNot run.\n") == len(SECTIONS) - 1
    assert "Means" in page.partition("Does a published result")[2]


def test_claims_of_further_experiments_follow_and_take_no_place_of_jaxpes(tmp_path):
    """An id of theirs may be one of jaxpe's."""
    shutil.copytree(ROOT / STANDARD / "reproduction", tmp_path / STANDARD / "reproduction")
    before = render_results(tmp_path)
    (tmp_path / STANDARD / "jaxpe.json").write_text('{"schema": 3}')
    write_folder(tmp_path / STANDARD, claims=[make_entry("C10", statement="It is so.")])
    page, _, further = render_results(tmp_path).partition("## Further experiments\n")
    assert page.rstrip() == before.rstrip()
    assert "`mine`: Is it?" in further and "C10: It is so. | supported" in further
