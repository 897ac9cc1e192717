"""The properties that `jaxpe.conformance` asks of every encoding: one small function each, from a Subject to a Finding."""
