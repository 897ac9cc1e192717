"""jaxpe: positional encodings put to the test."""

__version__ = "0.1.0"
