"""A trained population that several modules look at."""

import pytest
from small_runs import train_replicas


@pytest.fixture(scope="session")
def pair():
    """Two replicas of the small config, trained together."""
    return train_replicas()
