"""Names of the broken encodings in tests/conformance, and the check that the suite names their fault."""

import re

from support import ROOT

from jaxpe.conformance import suite

FILES = sorted((ROOT / "tests" / "conformance").glob("broken_*.py"))


def name_broken(class_name):
    """'path/to/file.py:Class' of a broken encoding."""
    (file,) = [file for file in FILES if f"\nclass {class_name}(" in file.read_text(encoding="utf-8")]
    return f"{file}:{class_name}"


def assert_fault(class_name, property_name, message):
    """Measures one property of a broken encoding: it does not hold, and the fault has the message and a line number."""
    (fault,) = suite.list_faults(name_broken(class_name), [property_name])
    assert re.search(message, fault), fault
    assert ".py, line" in fault or class_name == "ReferenceAsksTooMuch", fault
