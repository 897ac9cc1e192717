"""The workbench: all rows of all tables are in it, and what was not run, dropped or changed is said."""

import base64
import json
import re
import zlib
from urllib.parse import unquote

import pytest
from page_folders import make_entry, make_scores, write_folder
from support import ROOT, list_tables

from jaxpe.records.csv_tables import read_table, write_table
from jaxpe.records.stored_files import read_text
from jaxpe.report.messages import LANGUAGES, Messages
from jaxpe.report.page import render_page

COMMITTED = ("results", "results/standard")


def render(folder):
    return render_page(folder, "compare.html", "en", Messages())


def read_data(page):
    """What the scripts of the page read."""
    return json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1])


def unpack(packed):
    return zlib.decompress(base64.b64decode(packed)).decode()


@pytest.fixture(scope="module")
def pages():
    """The workbench of the committed results."""
    return {folder: render(ROOT / folder) for folder in COMMITTED}


@pytest.mark.parametrize("folder", COMMITTED)
def test_the_page_holds_every_row_of_every_committed_table(pages, folder):
    tables = {path.parent.name: read_text(path) for path in list_tables(folder)}
    stored = {name: unpack(packed) for name, packed in read_data(pages[folder])["tables"].items()}
    assert stored == tables
    rows = sum(len(read_table(ROOT / folder / name / "table.csv")) for name in tables)
    assert f"all {rows:,} rows of the {len(tables)} tables" in pages[folder]


def test_the_page_stays_small(pages):
    assert max(len(page.encode()) for page in pages.values()) < 2.5e6


@pytest.mark.parametrize("folder", COMMITTED)
def test_columns_and_measures_of_jaxpe_have_names_in_both_languages(folder):
    names = Messages().files["names"]
    for path in list_tables(folder):
        table = read_table(path)
        wanted = {f"field.{column}" for column in table} | {f"metric.{metric}" for metric in table["metric"].unique()}
        wanted |= {
            f"{column}.{value}" for column in ("task", "architecture") for value in table[column].dropna().unique()
        }
        assert wanted <= set(names), path
    assert all(set(texts) == set(LANGUAGES) and all(texts.values()) for texts in names.values())


def test_the_trainings_that_diverged_are_listed(tmp_path):
    folder = write_folder(tmp_path / "r")
    rows = [row | ({"diverged": True} if row["seed"] == 2 else {}) for row in make_scores()]
    write_table(folder / "mine" / "table.csv", rows)
    page = render(folder)
    runs = [f"mine: reverse, encoder, {encoding}, seed 2" for encoding in ("none", "sinusoidal")]
    assert re.findall(r'<li lang="en" class="always">(.*?)</li>', page) == runs


def test_not_run_not_measured_and_counts_are_told_apart(pages):
    text = pages["results/standard"].split('<section id="runs">')[1].split("</section>")[0]
    not_run, rest = text.split("What was not measured")
    not_measured, counts = rest.split("Counts that differ from the list")
    assert "jaxpe fetch translation\njaxpe run accuracy --preset standard --tasks translation<" in not_run
    assert "C1.learned" in not_measured and "C1.learned" not in not_run and "Not run" not in not_measured
    assert "904 runs were trained, 916 are listed." in counts


def test_the_reason_of_an_undecided_claim_stands_beside_its_verdict(tmp_path):
    note = "Measured, +0.5. Undecided: p is 0.06 <b>. More of it."
    claims = [make_entry("A1", verdict="undecided", note=note, headline=True)]
    page = render(write_folder(tmp_path / "r", claims=claims))
    assert page.count('<span lang="en" class="always quiet">p is 0.06 &lt;b&gt;.</span>') == 2
    assert page.count("(1)</summary>") >= 1 and "(0)</summary>" not in page


def test_names_of_folders_become_no_links_that_run(tmp_path):
    name = "javascript:alert(1)//'\"%41"
    folder = write_folder(tmp_path / "r", name.replace("/", "∕"), claims=[make_entry("A1", figure="it's #1")])
    figures = folder / name.replace("/", "∕") / "figures"
    figures.mkdir()
    (figures / "it's #1.svg").write_text('<svg width="90pt" height="60pt"></svg>')
    page = render(folder)
    links = set(re.findall(r'href="([^"]*)"', page)) - {"./index.html", "./", "data:,"}
    assert all(link.startswith(("#", "./")) for link in links)
    [path] = [link for link in links if link.startswith("./")]
    assert (folder / unquote(path)).is_file() and "it's" in unquote(path)
    ids = re.findall(r'id="([^"]*)"', page)
    anchors = [link[1:] for link in links if link.startswith(("#figure-", "#claim-"))]
    assert len(anchors) == 2 and all(anchor in ids and re.fullmatch(r"[\w~+.-]+", anchor) for anchor in anchors)


def test_what_provenance_lacks_is_a_dash(tmp_path):
    folder = write_folder(tmp_path / "r")
    (folder / "mine" / "provenance.json").unlink()
    assert "<td>mine</td><td><code>–</code></td>" in render(folder)


def test_a_claim_links_to_its_figure_where_that_was_drawn(tmp_path):
    entries = [make_entry("A1", figure="shown"), make_entry("A2", figure="not_drawn")]
    folder = write_folder(tmp_path / "r", claims=entries)
    (folder / "mine" / "figures").mkdir()
    (folder / "mine" / "figures" / "shown.svg").write_text('<svg width="90pt" height="60pt"></svg>')
    page = render(folder)
    assert (
        page.count('href="./mine/figures/shown.svg"') == 1
        and page.count('href="#figure-mine-shown"') == 1
        and "not_drawn" not in page.split("<script")[0]
    )
    assert 'id="figure-mine-shown"' in page and "width: 120px; aspect-ratio: 120 / 80" in page


def test_every_committed_figure_has_a_title_and_a_caption_in_both_languages(pages):
    for page in pages.values():
        titles = re.findall(r"</span><span>(.*?)</span></summary>\n(.*)\n", page)
        figures = len(read_data(page)["figures"])
        assert len(titles) == figures
        for title, caption in titles:
            assert re.fullmatch(r'<span lang="en">[^<_]{8,}</span><span lang="ja">[^<]{4,}</span>', title), title
            assert caption.startswith('<p><span lang="en">'), title


def test_a_family_of_figures_says_what_each_shows(pages):
    assert "turn into the answer: reverse, encoder<" in pages["results/standard"]
    assert "全エンコーディングと長さ：コピーする（copy）、デコーダ<" in pages["results/standard"]
