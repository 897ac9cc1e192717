"""What differs between the runs of one table is named."""

from jaxpe.study.mixture import describe_mixture, find_mixture


def make_record(python="3.11.7", jax="0.10.2", device="cpu (A)", devices=2):
    return {"versions": {"python": python, "jax": jax}, "device": device, "devices": devices}


def test_runs_of_one_kind_are_no_mixture():
    assert find_mixture([make_record(), make_record()]) == {} and describe_mixture({}) == ""
    assert find_mixture([]) == {}


def test_versions_devices_and_their_number_are_named():
    records = [
        make_record(),
        make_record(python="3.12.1"),
        make_record(jax="0.12.0", device="cpu (B)"),
        make_record(devices=3),
    ]
    mixture = find_mixture(records)
    assert mixture == {
        "python": ["3.11.7", "3.12.1"], "jax": ["0.10.2", "0.12.0"], "device": ["cpu (A)", "cpu (B)"], "devices": ["2", "3"],
    }  # fmt: skip
    sentence = describe_mixture(mixture)
    assert "python 3.11.7 and 3.12.1" in sentence and "may differ in the last digits" in sentence


def test_a_record_without_a_version_is_a_mixture_too():
    assert "jax" in find_mixture([make_record(), {"versions": {"python": "3.11.7"}}])
