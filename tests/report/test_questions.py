"""Questions of the page: their claims, answers and figures."""

from page_folders import make_entry, write_folder
from support import ROOT

from jaxpe.report.claims import list_declared, list_headlines, read_all_claims
from jaxpe.report.questions import QUESTIONS, list_questions
from jaxpe.report.sections import list_folders, read_section
from jaxpe.study.experiment import EXPERIMENTS, load_experiment


def read_questions(results):
    folders = list_folders(results)
    claims = read_all_claims(folders)
    sections = [read_section(folder, claims) for folder in folders]
    drawings = {drawing.key: drawing for section in sections for drawing in section.figures}
    return {one.name: one for one in list_questions(sections, list_headlines(claims), claims, drawings)}


def test_a_question_has_its_claims_headlines_first_and_answers(tmp_path):
    entries = [
        make_entry("C5.count", question="harm"),
        make_entry("C5", question="harm", headline=True),
        make_entry("C9"),
    ]
    answers = [{"question": "harm", "text": "It depends.", "figure": "ratio", "short": ""}]
    questions = read_questions(write_folder(tmp_path / "r", "harm", claims=entries, answers=answers))
    assert list(questions) == list(QUESTIONS)
    harm = questions["harm"]
    assert [entry["id"] for entry in harm.claims] == ["C5", "C5.count"]
    assert [answer["text"] for answer in harm.answers] == ["It depends."] and harm.figures == []


def test_a_question_in_words_is_listed_after_those_of_the_page(tmp_path):
    answers = [{"question": "Is it so?", "text": "Yes.", "figure": "", "short": ""}]
    entries = [make_entry("A", question="And so?")]
    questions = read_questions(write_folder(tmp_path / "r", claims=entries, answers=answers))
    assert list(questions) == [*QUESTIONS, "And so?", "Is it so?"] and questions["Is it so?"].in_words


def test_every_question_of_the_page_is_asked_by_a_headline_claim():
    asked = {claim.question for claim in list_declared().values()}
    assert set(QUESTIONS) <= asked
    others = {claim.question for name in EXPERIMENTS for claim in load_experiment(name).module.CLAIMS} - {
        "",
        *QUESTIONS,
    }
    assert all(question.endswith("?") for question in others)


def test_the_figures_that_claims_and_questions_name_are_committed():
    """Of every experiment that was run, in the results of one preset or the other."""
    folders = (ROOT / "results", ROOT / "results" / "standard")
    for (experiment, _), claim in list_declared().items():
        stored = [folder for folder in folders if (folder / experiment).is_dir()]
        paths = [folder / experiment / "figures" / f"{claim.figure}.svg" for folder in stored]
        assert any(path.is_file() for path in paths), f"{experiment}/{claim.figure}"
    for folder in folders:
        questions = read_questions(folder)
        assert all(questions[name].figures for name in QUESTIONS)
