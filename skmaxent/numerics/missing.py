"""Which values are missing: NaN, NaT, pandas' NA and None."""

import numpy as np

# Objects of these types never are; most columns of text hold nothing else.
PLAIN = {str, bytes, int, bool}


def is_missing(value):
    """Whether one Python object stands for no value."""
    if value is None:
        return True
    try:
        return bool(value != value)  # NaN and NaT differ from themselves ...
    except TypeError:
        return True  # ... and pandas' NA is neither true nor false
    except ValueError:
        return False  # an array


def any_missing(values):
    """Whether an array, a Series or a list holds a missing value.

    A list is looked at as it is: as an array of text its NaN would be the word "nan".
    """
    if isinstance(values, list | tuple):
        kinds, values = "O", list(values)
    else:
        values = np.asarray(values)
        kinds = values.dtype.kind
    if kinds in "fc":
        return bool(np.isnan(values).any())
    if kinds in "mM":
        return bool(np.isnat(values).any())
    if kinds != "O":
        return False
    values = values if isinstance(values, list) else values.ravel().tolist()
    return not set(map(type, values)) <= PLAIN and any(map(is_missing, values))
