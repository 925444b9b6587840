"""What the tests of pictures share."""

import pytest


@pytest.fixture(autouse=True)
def plt():
    """matplotlib's pyplot without a screen; figures are closed by a fixture of all tests."""
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    return plt
