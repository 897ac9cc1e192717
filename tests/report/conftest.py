"""Results folders for comparisons."""

import pytest
from results_folders import write_results


@pytest.fixture
def write_folder(tmp_path):
    """Writes an experiment of a results folder, and returns the folder's path as a word."""
    return lambda folder, *arguments, **more: write_results(tmp_path / folder, *arguments, **more)
