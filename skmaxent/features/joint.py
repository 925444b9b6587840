"""Joint features f(c, d) of a class and a datum: functions of your own, and templates without code."""

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy import sparse

from ..compat import BaseEstimator, Documented
from .occurrences import atom_names, find, make_pairs, renumbered
from .templates import Joined, fail, fault, function_name

__all__ = ["Joined", "JointFeatures"]

# Data on which every function is called a second time, to see whether it answers the same.
RECHECKED = 64
# Pairs of a predicate and a class looked up at a time.
BLOCK_PAIRS = 2_000_000


class JointFeatures(Documented, BaseEstimator):
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

    def __init__(
        self,
        functions: Sequence[Callable[[Any, Any], Any] | Joined],
        names: Sequence[str] | None = None,
        bias: bool = False,
    ):
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

    def fit_design(
        self, data: Sequence[Any], classes: Sequence[Any], present: Any, differences: bool = False
    ) -> tuple[dict[str, Any], Any]:
        """The columns that the features have on training data, and their values there.

        Parameters
        ----------
        data : list of n data
            Of any kind that the functions take.
        classes : sequence of K class labels
            In the order of the columns.
        present : array of shape (n, K)
            Not zero where a datum has a label; what `min_count` counts.
        differences : bool, default=False
            With two classes: one row a datum, the values for the second class less those for the
            first.

        Returns
        -------
        table : dict
            Plain data, to be kept with the weights: ``"entries"``, an array with the names of the
            entries; ``"templates"``, a dict from the number of an entry that is a template to
            ``{"keys": list of str, "words": list of dict, "codes": None or integer array, "columns":
            integer array (number of predicates, K)}``, the predicates as `atom_names` takes them and
            -1 where a predicate and a class make no feature; ``"bias"``; and ``"n_columns"``, p.
        design : csr_array of shape (n * K, p), or (n, p)
            Row i K + k holds the values for class k and datum i; float64.

        Raises
        ------
        ValueError
            If the parameters are invalid; if a function raises, answers with something else than a
            finite number, or gives another answer when asked again. The message names function,
            class and datum.
        """
        found = find(self._templates(), data)
        table = self._tabulate(list(classes), found, sparse.csr_array(present))
        return table, self._design(data, list(classes), table, found, differences, recheck=True)

    def table(self, classes: Sequence[Any]) -> dict[str, Any]:
        """The columns without training data, for templates that name their pairs; see `fit_design`.

        Parameters
        ----------
        classes : sequence of K class labels
            In the order of the columns.

        Returns
        -------
        table : dict
            As from `fit_design`.
        """
        return self._tabulate(list(classes), {}, None)

    def design(
        self, data: Sequence[Any], classes: Sequence[Any], table: dict[str, Any], differences: bool = False
    ) -> Any:
        """The values of all features for all classes and data.

        Parameters
        ----------
        data : list of n data
            Of any kind that the functions take.
        classes : sequence of K class labels
            In the order of the columns.
        table : dict
            From `fit_design` or `table`.
        differences : bool, default=False
            As in `fit_design`.

        Returns
        -------
        design : csr_array of shape (n * K, p), or (n, p)
            As from `fit_design`.

        Raises
        ------
        ValueError
            As `fit_design`; also if the features are not those of the table.
        """
        entries = self._entry_names()
        were = table["entries"].tolist()
        if entries != were:
            raise ValueError(f"The features were {were} when the model was fitted, and are {entries} now.")
        return self._design(data, list(classes), table, find(self._templates(), data), differences)

    def _templates(self):
        """The entries that are templates, and their names, by their numbers."""
        names = self._entry_names()
        return {e: (f, names[e]) for e, f in enumerate(self.functions) if isinstance(f, Joined)}

    def _tabulate(self, classes, found, present):
        entries = self._entry_names()
        self._warn_of_absent_classes(classes)
        p, templates = 0, {}
        for e, (entry, name) in enumerate(zip(self.functions, entries)):
            if not isinstance(entry, Joined):
                p += 1
                continue
            known, kept = make_pairs(entry, name, found.get(e), classes, present)
            columns = np.full(kept.shape, -1, dtype=np.int32)
            columns[kept] = p + np.arange(np.count_nonzero(kept))
            p += int(np.count_nonzero(kept))
            templates[e] = known | {"columns": columns}
        return {
            "entries": np.array(entries, dtype=object),
            "templates": templates,
            "bias": bool(self.bias),
            "n_columns": p + len(classes) * bool(self.bias),
        }

    def _warn_of_absent_classes(self, classes):
        """Templates may name classes that a fold of the training data lacks: say so, and go on."""
        for template, name in self._templates().values():
            named = template.classes or [c for _, c in template.pairs or ()]
            absent = [c for c in dict.fromkeys(named) if c not in classes]
            if absent:
                warnings.warn(
                    f"The template {name!r} names the classes {absent}, which the training labels lack; it "
                    "makes no features for them.",
                    UserWarning,
                    stacklevel=2,
                )

    def _design(self, data, classes, table, found, differences, recheck=False):
        K, p = len(classes), table["n_columns"]
        if len(found) == len(self.functions) and all(part.rows is None for part in found.values()):
            return self._design_of_columns(len(data), K, table, found, differences)
        parts, column = [], 0
        for e, (entry, name) in enumerate(zip(self.functions, table["entries"])):
            if isinstance(entry, Joined):
                columns = table["templates"][e]["columns"]
                parts.append(_template_entries(entry, found[e], table["templates"][e]))
                column += np.count_nonzero(columns >= 0)
                continue
            values = _function_values(entry, name, data, classes)
            if recheck:
                _recheck(entry, name, data, classes, values)
            rows = np.flatnonzero(values)
            parts.append((rows, np.full(len(rows), column), values[rows]))
            column += 1
        if self.bias:
            rows = np.arange(len(data) * K)
            parts.append((rows, column + rows % K, np.ones(len(rows))))
        rows, columns, values = (np.concatenate([part[i] for part in parts]) for i in range(3))
        if not differences:
            return sparse.csr_array((values, (rows, columns)), shape=(len(data) * K, p))
        signs = np.where(rows % 2 == 1, values, -values)
        return sparse.csr_array((signs, (rows // 2, columns)), shape=(len(data), p))

    def _design_of_columns(self, n, K, table, found, differences):
        """The design where every entry is a template with at most one predicate a datum, of value 1.

        Row after row in the order of CSR, without a sort.
        """
        tables, parts = self._joined_tables(n, K, table, found)
        by_class = np.ascontiguousarray(tables.T)
        signs = np.tile([-1.0, 1.0], len(parts))
        indices, values, counts = [], [], [np.zeros(1)]
        step = max(1, BLOCK_PAIRS // (K * max(len(parts), 1)))
        for start in range(0, max(n, 1), step):
            places = _places(parts, slice(start, min(start + step, n)))
            if differences:
                block = np.take(tables, places, axis=0, mode="wrap").reshape(len(places), len(signs))
            else:
                block = np.empty((len(places), K, len(parts)), np.int32)
                for k in range(K):
                    block[:, k] = np.take(by_class[k], places, mode="wrap")
                block = block.reshape(-1, len(parts))
            kept = block >= 0
            indices.append(block[kept])
            # BLAS counts faster than sums of bools
            counts.append(kept.astype(np.float32) @ np.ones(kept.shape[1], np.float32))
            ones = np.broadcast_to(signs, kept.shape)[kept] if differences else np.ones(len(indices[-1]))
            values.append(ones)
        values, indices = (part[0] if len(part) == 1 else np.concatenate(part) for part in (values, indices))
        kind = np.int32 if len(values) <= np.iinfo(np.int32).max else np.int64
        indptr = np.concatenate(counts).cumsum(dtype=kind)
        shape = (n if differences else n * K, table["n_columns"])
        return sparse.csr_array((values, indices, indptr), shape=shape)

    def _joined_tables(self, n, K, table, found):
        """The columns (P + 1, K) of all templates, and of each the numbers (n,) in it and its first row.

        The last row, of -1, is for data without a predicate, which have the number -1.
        """
        p, tables, parts, first = table["n_columns"], [], [], 0
        for e, part in found.items():
            known = table["templates"][e]
            tables.append(known["columns"])
            parts.append((renumbered(self.functions[e], part, known), first))
            first += len(known["columns"])
        if self.bias:
            tables.append(np.arange(p - K, p, dtype=np.int32)[None])
            parts.append((np.zeros(n, np.int32), first))
        return np.concatenate([*tables, np.full((1, K), -1, np.int32)]), parts


def _places(parts, rows):
    """The rows of `_joined_tables` (number of rows, number of parts) that some data have, or -1."""
    places = np.empty((rows.stop - rows.start, len(parts)), np.intp)
    for j, (numbers, first) in enumerate(parts):
        numbers = numbers[rows]
        np.add(numbers, first, out=places[:, j])
        places[numbers < 0, j] = -1
    return places


def _template_entries(template, found, known):
    """Rows, columns and values of a template's part of the design."""
    rows, _, values = found.listed()
    numbers = renumbered(template, found, known)
    if found.rows is None:
        numbers = numbers[rows]
    kept = numbers >= 0
    columns = known["columns"][numbers[kept]]
    place, k = np.nonzero(columns >= 0)
    return rows[kept][place] * columns.shape[1] + k, columns[place, k], values[kept][place]


def column_names(table, classes):
    """Names of all columns, an array of str, from the table of `JointFeatures.fit_design`."""
    names, suffixes = [], [f", c={c}" for c in classes]
    for e, name in enumerate(table["entries"]):
        known = table["templates"].get(e)
        if known is None:
            names.append(name)
            continue
        named = atom_names(known["keys"], known["words"], known["codes"])
        rows, labels = np.nonzero(known["columns"] >= 0)
        names += [named[row] + suffixes[k] for row, k in zip(rows.tolist(), labels.tolist())]
    if table["bias"]:
        names += [f"c={c}" for c in classes]
    return np.array(names, dtype=object)


def column_classes(table, n_classes):
    """The class of each column, as a number, or -1 for a function, which may speak for any class."""
    parts = []
    for e in range(len(table["entries"])):
        known = table["templates"].get(e)
        parts.append(np.array([-1]) if known is None else np.nonzero(known["columns"] >= 0)[1])
    if table["bias"]:
        parts.append(np.arange(n_classes))
    return np.concatenate(parts)


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
