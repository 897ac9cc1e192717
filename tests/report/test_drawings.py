"""Figures as the page takes them up: what is no figure, or could do something, is refused by its name."""

import pytest
from support import ROOT

from jaxpe.errors import UserError
from jaxpe.report.drawings import Drawing, find_svg_fault, read_drawings
from jaxpe.report.figures import describe_figure
from jaxpe.report.messages import Messages

SVG = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="90pt" height="60pt">%s</svg>'


@pytest.mark.parametrize(
    "content",
    [
        '<a xlink:href="#part"/>',
        '<image xlink:href="data:image/png;base64,AAAA"/>',
        "<style>path { fill: url(#gradient); }</style>",
        "<text>on a line, url of nothing</text>",
    ],
)
def test_what_figures_hold_is_fine(content):
    assert find_svg_fault(SVG % content) == ""


def test_committed_figures_are_fine():
    paths = sorted((ROOT / "results").rglob("*.svg"))
    assert len(paths) > 20 and [path for path in paths if find_svg_fault(path.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "not plain XML"),
        ("<svg", "not plain XML"),
        ("<html></html>", "not an SVG figure but <html>"),
        (SVG % "<script>alert(1)</script>", "<script> could run"),
        (SVG % "<g><foreignObject/></g>", "<foreignObject> could run"),
        (SVG % '<g onload="alert(1)"/>', "<g> could run"),
        (SVG % '<g ONCLICK="alert(1)"/>', "<g> could run"),
        (SVG % '<a xlink:href="javascript:alert(1)"/>', "<a> could run"),
        (SVG % '<a href="https://example.org"/>', "<a> could run"),
        (SVG % '<image xlink:href="/etc/passwd"/>', "<image> could run"),
        (SVG % "<style>@import 'x.css';</style>", "would load"),
        (SVG % "<style>path { fill: url( 'https://example.org' ); }</style>", "would load"),
        ('<!DOCTYPE svg [<!ENTITY a "b">]>' + SVG % "&a;", "the declaration a"),
        ('<?xml-stylesheet href="x.xsl"?>' + SVG % "", "the declaration xml-stylesheet"),
    ],
)
def test_what_is_no_figure_or_could_run_is_refused(tmp_path, content, says):
    (tmp_path / "mine" / "figures").mkdir(parents=True)
    path = tmp_path / "mine" / "figures" / "curves.svg"
    path.write_text(content)
    with pytest.raises(UserError, match=says) as refusal:
        read_drawings(tmp_path / "mine", "jaxpe run mine")
    assert str(path) in str(refusal.value) and "jaxpe plot" in str(refusal.value)


def test_names_make_links_and_ids_of_their_own():
    def draw(experiment, name):
        return Drawing(experiment, name, f"{experiment}/figures/{name}.svg", "", 1, 1, "", "")

    assert draw("accuracy", "length_curves").id == "figure-accuracy-length_curves"
    assert draw("accuracy", "length_curves").link == "accuracy/figures/length_curves.svg"
    assert draw("javascript:x", 'a"b').link == "javascript%3Ax/figures/a%22b.svg"
    ids = {draw("mine", name).id for name in ("a b", "a+b", "a%20b", "a~20b", "a/b", "a'b", "あ")}
    assert len(ids) == 7 and all(set(one) <= set("abcdefghijklmnopqrstuvwxyz0123456789-_+.~") for one in ids)


def test_a_caption_of_the_experiment_is_shown_and_jaxpes_own_have_theirs(tmp_path):
    (tmp_path / "mine" / "figures").mkdir(parents=True)
    (tmp_path / "mine" / "figures" / "my_curves.svg").write_text(SVG % "")
    (tmp_path / "mine" / "captions.json").write_text('{"my_curves": "What is seen <here>.", "other": "x"}')
    [drawing] = read_drawings(tmp_path / "mine", "jaxpe run mine")
    text = describe_figure(drawing, [], Messages())
    assert text.title == "my curves" and "What is seen &lt;here&gt;." in text.caption
    ours = describe_figure(drawing._replace(experiment="accuracy", name="accuracy"), [], Messages())
    assert "What is seen" not in ours.caption
    (tmp_path / "mine" / "captions.json").write_text('{"my_curves": 3}')
    with pytest.raises(UserError, match=r"captions\.json was altered: .*text is due"):
        read_drawings(tmp_path / "mine", "jaxpe run mine")
