"""`jaxpe fetch`."""

from command_line import assert_one_sentence, call_jaxpe

from jaxpe.data.cache import DOWNLOADS


def test_without_a_name_it_lists_what_can_be_downloaded(capsys):
    code, printed, _ = call_jaxpe(capsys, "fetch")
    assert code == 0 and [line.split()[0] for line in printed.splitlines()] == list(DOWNLOADS)


def test_an_unknown_name_is_one_sentence(capsys):
    assert_one_sentence(call_jaxpe(capsys, "fetch", "translatoin"), "Did you mean 'translation'")
