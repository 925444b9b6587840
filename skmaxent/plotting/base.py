"""What the displays share: matplotlib on demand, and axes to draw in."""

import numpy as np

from ..inspection.text import printable, shorten

FOR, AGAINST = "#2684ff", "#f06228"


def pyplot(caller):
    """matplotlib.pyplot, or an ImportError that says who needs it."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            f"{caller} requires matplotlib. You can install matplotlib with `pip install matplotlib`"
        ) from error
    return plt


def axes_grid(plt, ax, n_rows, n_columns, size):
    """A grid of axes: a new figure of panels of `size` inches, or the room of a given axes divided.

    Returns
    -------
    figure : matplotlib Figure
    axes : ndarray of Axes of shape (n_rows, n_columns)
    """
    if ax is None:
        shape = (size[0] * n_columns, size[1] * n_rows)
        return plt.subplots(n_rows, n_columns, figsize=shape, squeeze=False, layout="constrained")
    if n_rows == n_columns == 1:
        return ax.figure, np.array([[ax]], dtype=object)
    ax.set_axis_off()
    grid = ax.get_subplotspec().subgridspec(n_rows, n_columns, wspace=0.6, hspace=0.5)
    return ax.figure, grid.subplots(squeeze=False)


def label(text, width=28):
    """A name for a picture: cut to `width`, and nothing in it read as mathematics."""
    return shorten(printable(text), width).replace("$", r"\$")
