"""Some rows of the data with their labels, what is known of all of them, and the weights that follow.

A part has labels of its own; which classes there are, and what each weighs, is known when all have been seen.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from ...numerics.sparse import take_rows
from ..reductions.present_classes import VANISHING, ClassMap

# Mean row weights, as powers of two, that are left as they are.
ORDINARY_WEIGHT = 10


@dataclass(frozen=True)
class Part:
    """Rows that lie together; checked, and as they were given.

    Attributes
    ----------
    X : canonical CSR array or ndarray of shape (n, c), float64 or float32
        On the columns that its rows touch.
    columns : integer ndarray of shape (c,)
        Increasing.
    n_columns : int
        d, of the whole data.
    codes : integer ndarray of shape (n,) or None
    classes : ndarray
        The labels that occur, increasing, to which the codes belong; numbers of columns with masses.
    masses : ndarray of shape (n, K) or None
        Label masses, in place of codes.
    sample_weight : ndarray of shape (n,), float64, or None
    name : str
        For messages.
    """

    X: object
    columns: np.ndarray
    n_columns: int
    codes: np.ndarray | None
    classes: np.ndarray
    masses: np.ndarray | None = None
    sample_weight: np.ndarray | None = None
    name: str = "partition 0"

    @classmethod
    def of(cls, X, codes, classes, masses=None, sample_weight=None, name="partition 0"):
        """The part of an X on all columns."""
        n_columns = X.shape[1]
        if sparse.issparse(X):
            columns, local = np.unique(X.indices, return_inverse=True)
            local = local.reshape(-1).astype(np.int32)
            indptr = X.indptr.astype(np.int32 if X.nnz < 2**31 else np.int64)
            X = sparse.csr_array((X.data, local, indptr), shape=(X.shape[0], len(columns)))
        else:
            columns = np.arange(n_columns)
        return cls(X, columns.astype(np.int64), n_columns, codes, classes, masses, sample_weight, name)

    def __len__(self):
        return self.X.shape[0]


@dataclass(frozen=True)
class Survey:
    """What is known of the labels of some parts.

    Attributes
    ----------
    n_rows, n_columns : int
    classes : ndarray
        Increasing.
    totals : ndarray like `classes`, float64
        Their weights.
    dtype : dtype
        The widest of the parts.
    has_masses : bool
    """

    n_rows: int
    n_columns: int
    classes: np.ndarray
    totals: np.ndarray
    dtype: np.dtype
    has_masses: bool

    @classmethod
    def of(cls, part):
        """Of one part."""
        if part.masses is None:
            totals = np.bincount(part.codes, part.sample_weight, minlength=len(part.classes)).astype(float)
        else:
            weights = 1.0 if part.sample_weight is None else part.sample_weight[:, None]
            totals = (part.masses * weights).sum(axis=0)
        parts = part.classes, totals, np.dtype(part.X.dtype)
        return cls(len(part), part.n_columns, *parts, part.masses is not None)

    @classmethod
    def merged(cls, surveys, names):
        """Of all parts together.

        Raises
        ------
        ValueError
            Where they do not go together, naming the partition; where they have one class, or no weight.
        """
        filled = [(s, name) for s, name in zip(surveys, names) if s.n_rows]
        if not filled:
            raise ValueError("The partitions have no rows: at least one is needed.")
        first, named = filled[0]
        for survey, name in filled[1:]:
            _check_alike(first, named, survey, name)
        if first.has_masses:
            classes, totals = first.classes, sum(survey.totals for survey, _ in filled)
        else:
            classes = np.unique(np.concatenate([survey.classes for survey, _ in filled]))
            totals = np.zeros(len(classes))
            for survey, _ in filled:
                totals[np.searchsorted(classes, survey.classes)] += survey.totals
            if len(classes) < 2:
                raise ValueError(
                    "This solver needs samples of at least 2 classes in the data, but the partitions contain "
                    f"only one class: {classes.tolist()[0]!r}"
                )
        if not totals.any():
            raise ValueError("The data have no weight: every row of every partition has weight 0.")
        n_rows = sum(survey.n_rows for survey, _ in filled)
        dtype = np.result_type(*(survey.dtype for survey, _ in filled))
        return cls(n_rows, first.n_columns, classes, totals, dtype, first.has_masses)


def _check_alike(first, named, survey, name):
    if survey.n_columns != first.n_columns:
        raise ValueError(
            f"{name} has {survey.n_columns} columns, but {named} has {first.n_columns}: all partitions "
            "need the same columns."
        )
    if survey.has_masses != first.has_masses:
        kinds = ("labels", "label masses")
        raise ValueError(
            f"y of {name} holds {kinds[survey.has_masses]}, but that of {named} {kinds[first.has_masses]}."
        )
    if survey.has_masses and len(survey.classes) != len(first.classes):
        raise ValueError(
            f"y of {name} has {len(survey.classes)} columns of label masses, but that of {named} "
            f"{len(first.classes)}."
        )
    if not survey.has_masses and (survey.classes.dtype.kind in "US") != (first.classes.dtype.kind in "US"):
        raise ValueError(
            f"Labels of {name} are {survey.classes.dtype.name}, those of {named} {first.classes.dtype.name}."
        )


@dataclass(frozen=True)
class Labelling:
    """Classes of all parts, and what their rows weigh in the solved problem.

    Attributes
    ----------
    classes : ndarray of shape (K,)
        The user's.
    factors : ndarray of shape (K,)
        By which the weights of the rows of each class are multiplied, the unit included.
    present : integer ndarray of shape (k,)
        The classes that the solved problem has.
    symmetric : bool
        Whether two of these have a score column each.
    unit : float
        The row weights are the user's divided by this.
    """

    classes: np.ndarray
    factors: np.ndarray
    present: np.ndarray
    symmetric: bool
    unit: float

    @classmethod
    def settled(cls, survey, factors, fit_intercept):
        """Of the merged survey.

        Parameters
        ----------
        survey : Survey
        factors : ndarray of shape (K,) or None
            Factors on the weight of each class.
        fit_intercept : bool
            Whether classes without weight are left out, see `reductions.present_classes`.
        """
        K = len(survey.classes)
        factors = np.ones(K) if factors is None else np.asarray(factors, dtype=float)
        totals = survey.totals * factors
        if not totals.any():
            raise ValueError("The data have no weight: class_weight is 0 for every class of positive weight.")
        present = np.arange(K)
        if fit_intercept:
            present = np.flatnonzero(totals > VANISHING * totals.sum())
        exponent = int(np.frexp(totals.sum() / survey.n_rows)[1])
        exponent = exponent if abs(exponent) > ORDINARY_WEIGHT else 0
        return cls(survey.classes, np.ldexp(factors, -exponent), present, len(present) < K, 2.0**exponent)

    @property
    def class_map(self):
        """Which classes are left, where not all are; else None."""
        K = len(self.classes)
        return ClassMap(self.present, K) if len(self.present) < K else None

    @property
    def n_classes(self):
        """Of the solved problem."""
        return len(self.present)

    @property
    def n_outputs(self):
        """Score columns of the solved problem."""
        return 1 if self.n_classes == 2 and not self.symmetric else self.n_classes

    def labels(self, part):
        """Codes or masses, and the weights, of the rows of a part; all of float64.

        Returns
        -------
        codes : integer ndarray of shape (n,) or None
        masses : ndarray of shape (n, k) or None
        weights : ndarray of shape (n,)
            0 for rows that do not count.
        """
        number = np.full(len(self.classes), -1)
        number[self.present] = np.arange(len(self.present))
        given = part.sample_weight
        if part.masses is not None:
            masses = part.masses[:, self.present] * self.factors[self.present]
            if given is not None:
                masses = masses * given[:, None]
            return None, masses, masses.sum(axis=1)
        mine = np.searchsorted(self.classes, part.classes)
        codes = number[mine].astype(np.int32)[part.codes]
        weights = np.where(number[mine] < 0, 0.0, self.factors[mine])[part.codes]
        return codes, None, weights if given is None else weights * given


def rows_that_count(part, labelling):
    """The part without the rows that weigh nothing; itself where all do."""
    weights = labelling.labels(part)[2]
    if (weights > 0).all():
        return part
    rows = np.flatnonzero(weights > 0)
    codes, masses, given = (
        None if values is None else values[rows] for values in (part.codes, part.masses, part.sample_weight)
    )
    return replace(part, X=take_rows(part.X, rows), codes=codes, masses=masses, sample_weight=given)
