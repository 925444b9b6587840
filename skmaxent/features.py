"""Joint features f(c, d) of a class and a datum: functions of your own, and templates without code."""

import warnings

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator

from ._templates import Joined, fail, fault, function_name, occurrences, template_entries, template_pairs

__all__ = ["Joined", "JointFeatures"]

# Data on which every function is called a second time, to see whether it answers the same.
RECHECKED = 64


class JointFeatures(BaseEstimator):
    """Features f(c, d) of a class c and a datum d, as the maximum-entropy literature writes them.

    To be given to ``MaxEntClassifier(features=...)``, which learns one weight for each.

    Parameters
    ----------
    functions : list of callables and `Joined`
        Functions ``f(c, d)`` that answer with a bool or a finite real number for a class label and a
        datum, which can be any Python object; and templates. To be pickled, a model needs functions
        at module level.
    names : list of str, default=None
        Names of the entries of `functions`; None: their ``__name__``, and the predicates' names for
        templates.
    bias : bool, default=False
        Whether each class has one more feature, [c = class], always 1.

    See Also
    --------
    MaxEntClassifier : Learns their weights.
    Joined : A template.

    References
    ----------
    A. Ratnaparkhi, A simple introduction to maximum entropy models for natural language processing,
    IRCS report 97-08, 1997.

    Examples
    --------
    >>> from skmaxent import JointFeatures, MaxEntClassifier
    >>> def capitalised_place(c, d):
    ...     return c == "LOCATION" and d[-1].istitle()
    >>> def ends_in_c(c, d):
    ...     return c == "DRUG" and d[-1].endswith("c")
    >>> data = [("in", "Arcadia"), ("in", "Québec"), ("taking", "Zantac"), ("saw", "Sue")]
    >>> model = MaxEntClassifier(features=JointFeatures([capitalised_place, ends_in_c]))
    >>> model = model.fit(data, ["LOCATION", "LOCATION", "DRUG", "PERSON"])
    >>> model.predict([("in", "Rome")]).tolist()
    ['LOCATION']
    """

    def __init__(self, functions, names=None, bias=False):
        self.functions = functions
        self.names = names
        self.bias = bias

    def _entry_names(self):
        """Names of the entries, after a check of the parameters."""
        entries = self.functions
        if isinstance(entries, str | dict | Joined) or not hasattr(entries, "__len__"):
            self._refuse("functions", "a list of callables f(c, d) and of Joined templates")
        for entry in entries:
            if isinstance(entry, Joined):
                entry.check()
            elif not callable(entry):
                self._refuse("functions", "a list of callables f(c, d) and of Joined templates")
        if not isinstance(self.bias, bool | np.bool_):
            self._refuse("bias", "an instance of 'bool'")
        if not len(entries) and not self.bias:
            self._refuse("functions", "a list with at least one entry, unless bias=True")
        if self.names is None:
            return [entry.name if isinstance(entry, Joined) else function_name(entry) for entry in entries]
        if isinstance(self.names, str) or len(self.names) != len(entries):
            self._refuse("names", f"None or a list with one str for each of the {len(entries)} functions")
        return [str(name) for name in self.names]

    def _refuse(self, parameter, expected):
        raise ValueError(
            f"The {parameter!r} parameter of JointFeatures must be {expected}. "
            f"Got {getattr(self, parameter)!r} instead."
        )

    def fit_design(self, data, classes, present):
        """The columns that the features have on training data, and their values there.

        Parameters
        ----------
        data : list of n data
        classes : sequence of K class labels
        present : array of shape (n, K)
            Whether a datum has a label, as numbers; what `min_count` counts.

        Returns
        -------
        table : dict
            Plain data, to be kept with the weights: ``"entries"``, an array with the names of the
            entries; ``"templates"``, a dict from the number of an entry that is a template to
            ``{"atoms": {predicate name: row}, "columns": integer array (rows, K)}``, -1 where a
            predicate and a class make no feature; ``"bias"``; and ``"n_columns"``, p.
        design : csr_array of shape (n * K, p)
            Row i K + k holds the values for class k and datum i; float64.

        Raises
        ------
        ValueError
            If the parameters are invalid; if a function raises, answers with something else than a
            finite number, or gives another answer when asked again. The message names function,
            class and datum.
        """
        found = {e: occurrences(entry, name, data) for e, entry, name in self._templates()}
        table = self._tabulate(list(classes), found, len(data), present)
        return table, self._design(data, list(classes), table, found, recheck=True)

    def table(self, classes):
        """The columns without training data, for templates that name their pairs; see `fit_design`."""
        return self._tabulate(list(classes), {}, 0, None)

    def design(self, data, classes, table):
        """The values of all features for all classes and data.

        Parameters
        ----------
        data : list of n data
        classes : sequence of K class labels
        table : dict
            From `fit_design` or `table`.

        Returns
        -------
        design : csr_array of shape (n * K, p)

        Raises
        ------
        ValueError
            As `fit_design`; also if the features are not those of the table.
        """
        entries = self._entry_names()
        were = table["entries"].tolist()
        if entries != were:
            raise ValueError(f"The features were {were} when the model was fitted, and are {entries} now.")
        found = {e: occurrences(entry, name, data) for e, entry, name in self._templates()}
        return self._design(data, list(classes), table, found)

    def _templates(self):
        """(number, template, name) of the entries that are templates."""
        names = self._entry_names()
        return [(e, f, names[e]) for e, f in enumerate(self.functions) if isinstance(f, Joined)]

    def _tabulate(self, classes, found, n, present):
        entries = self._entry_names()
        self._warn_of_absent_classes(classes)
        p, templates = 0, {}
        for e, (entry, name) in enumerate(zip(self.functions, entries)):
            if not isinstance(entry, Joined):
                p += 1
                continue
            atoms, kept = template_pairs(entry, name, found.get(e), n, classes, present)
            columns = np.full(kept.shape, -1, dtype=np.int32)
            columns[kept] = p + np.arange(np.count_nonzero(kept))
            p += int(np.count_nonzero(kept))
            templates[e] = {"atoms": atoms, "columns": columns}
        return {
            "entries": np.array(entries, dtype=object),
            "templates": templates,
            "bias": bool(self.bias),
            "n_columns": p + len(classes) * bool(self.bias),
        }

    def _warn_of_absent_classes(self, classes):
        """Templates may name classes that a fold of the training data lacks: say so, and go on."""
        for _, template, name in self._templates():
            named = template.classes or [c for _, c in template.pairs or ()]
            absent = [c for c in dict.fromkeys(named) if c not in classes]
            if absent:
                warnings.warn(
                    f"The template {name!r} names the classes {absent}, which the training labels lack; it "
                    "makes no features for them.",
                    UserWarning,
                    stacklevel=2,
                )

    def _design(self, data, classes, table, found, recheck=False):
        n, K, p = len(data), len(classes), table["n_columns"]
        parts, column = [], 0
        for e, (entry, name) in enumerate(zip(self.functions, table["entries"])):
            if isinstance(entry, Joined):
                known = table["templates"][e]
                parts.append(template_entries(found[e], K, known))
                column += np.count_nonzero(known["columns"] >= 0)
                continue
            values = _function_values(entry, name, data, classes)
            if recheck:
                _recheck(entry, name, data, classes, values)
            rows = np.flatnonzero(values)
            parts.append((rows, np.full(len(rows), column), values[rows]))
            column += 1
        if self.bias:
            rows = np.arange(n * K)
            parts.append((rows, column + rows % K, np.ones(n * K)))
        rows, columns, values = (np.concatenate([part[i] for part in parts]) for i in range(3))
        return sparse.csr_array((values, (rows, columns)), shape=(n * K, p))


def column_names(table, classes):
    """Names of all columns, an array of str, from the table of `JointFeatures.fit_design`."""
    names, suffixes = [], [f", c={c}" for c in classes]
    for e, name in enumerate(table["entries"]):
        if e not in table["templates"]:
            names.append(name)
            continue
        atoms, (rows, labels) = (
            list(table["templates"][e]["atoms"]),
            np.nonzero(table["templates"][e]["columns"] >= 0),
        )
        names += [atoms[a] + suffixes[k] for a, k in zip(rows.tolist(), labels.tolist())]
    if table["bias"]:
        names += [f"c={c}" for c in classes]
    return np.array(names, dtype=object)


def _function_values(function, name, data, classes):
    """Array (n * K,) of the values of a function f(c, d), checked."""
    values = []
    answer = values.append
    try:
        for d in data:
            for c in classes:
                answer(function(c, d))
    except Exception as error:
        i, k = divmod(len(values), len(classes))
        fail(name, classes[k], data[i], f"raised {type(error).__name__} ({error})", error)
    array = _as_numbers(values)
    if array is None or not np.isfinite(array).all():
        for place, value in enumerate(values):
            problem = fault(value)
            if problem:
                i, k = divmod(place, len(classes))
                fail(name, classes[k], data[i], problem)
        array = np.array([float(value) for value in values])
    return array.astype(np.float64)


def _as_numbers(values):
    """The answers as an array of numbers, None when some are not numbers."""
    try:
        array = np.asarray(values)
    except (ValueError, OverflowError):
        return None
    return array if array.ndim == 1 and array.dtype.kind in "biuf" else None


def _recheck(function, name, data, classes, values):
    """Call the function again on data spread over the list; it must answer the same."""
    for i in np.unique(np.linspace(0, len(data) - 1, min(RECHECKED, len(data))).astype(int)).tolist():
        again = _function_values(function, name, [data[i]], classes)
        first = values[i * len(classes) : (i + 1) * len(classes)]
        for c, old, new in zip(classes, first, again):
            if old != new:
                fail(name, c, data[i], f"changes its answer between calls, from {old:g} to {new:g},")
