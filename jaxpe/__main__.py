"""`python -m jaxpe` is `jaxpe`."""

from jaxpe.cli import main

main()
