"""`jaxpe doctor`."""

import json

from command_line import call_jaxpe

from jaxpe.cli import doctor


def test_the_doctor_says_what_is_here(capsys):
    code, printed, _ = call_jaxpe(capsys, "doctor")
    assert code == 0 and "a matrix product compiles and is right" in printed
    assert "download wordnet: missing; get it with `jaxpe fetch wordnet`" in printed  # the tests' cache is a new one


def test_the_doctor_as_json_and_a_wrong_computation(capsys, monkeypatch):
    code, printed, _ = call_jaxpe(capsys, "doctor", "--json")
    facts = json.loads(printed)
    assert code == 0 and facts["computes"] and facts["devices"] == 2 and "jax" in facts["versions"]
    monkeypatch.setattr(doctor, "inspect_installation", lambda: facts | {"computes": False})
    code, printed, _ = call_jaxpe(capsys, "doctor")
    assert code == 3 and "WRONG" in printed
