"""Whether the weights of a model can be held at all, before memory is filled with them."""

import os

import numpy as np


def physical_memory():
    """Bytes of memory of this machine; infinite where the system does not tell."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # not a POSIX system
        return np.inf


def require_weights(n_columns, n_outputs, dtype):
    """Raise MemoryError where one array of weights would not fit this machine."""
    needed = n_columns * n_outputs * np.dtype(dtype).itemsize
    if needed > physical_memory():
        choices = "features='observed', which keeps only the pairs of a column and a class that occur"
        if np.dtype(dtype) != np.float32:
            choices += "; float32 data, which halves them"
        raise MemoryError(
            f"The weights of {n_columns} columns and {n_outputs} classes take {needed} bytes "
            f"({needed / 2**30:.0f} GiB), more than this machine has. Choices: {choices}; or fewer columns."
        )
