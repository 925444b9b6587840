"""The forms of a model: what its features belong to, said once for all that looks into models.

A form knows how a sample becomes votes, what the features are called, and the words of tables and pictures.
"""

import numpy as np
from scipy import sparse
from sklearn.base import is_classifier
from sklearn.svm import SVC, NuSVC
from sklearn.utils.validation import validate_data

from ..estimators.common.recurrent_prediction import RecurrentPrediction
from ..estimators.common.tagging import Tagger
from ..estimators.ranker import MaxEntRanker
from .model import Votes, as_rows, decompose, is_linear, is_network, n_features
from .origins import feature_leaves, names_of
from .steps import peel
from .words import hashed_terms, marked_texts


class Columns:
    """Columns of a matrix: each has one value and a weight for every class."""

    name = "columns"
    headings = ("value", "weight")  # of the number that classes share, and of those that they do not
    is_centred, has_offset = True, True
    mean_name, verb = "mean of the classes", "predicts"

    @staticmethod
    def takes(model):
        """Whether a fitted model is of this form; asked last, the others are more particular."""
        return True

    @staticmethod
    def samples(X_row):
        """One sample as what the first step of a pipeline takes."""
        return as_rows(X_row)

    @staticmethod
    def votes(model, rows):
        """The `Votes` of one row."""
        return decompose(model, rows)

    @staticmethod
    def labels(model, votes):
        """What the score columns stand for."""
        return model.classes_.tolist()

    @staticmethod
    def names(steps, model, columns, data=None):
        """Names of some features, in order; with a sample also of those made by hashing."""
        leaves = feature_leaves(steps, model, columns, n_features(model))
        terms = {} if data is None else hashed_terms(steps, data, leaves)
        return names_of(leaves, columns.size, terms)

    @staticmethod
    def texts(steps, model, data, columns, votes):
        """Texts with the places of their words and the votes of these."""
        return marked_texts(steps, data, feature_leaves(steps, model, columns, n_features(model)), votes)

    @staticmethod
    def column_name(label):
        """Heading of a score column."""
        return str(label)


class Candidates(Columns):
    """Columns of the candidates of a group: each has one weight and a value for every candidate."""

    name = "candidates"
    headings = ("weight", "value")
    has_offset = False
    mean_name, verb = "mean of the candidates", "picks candidate"

    @staticmethod
    def takes(model):
        return isinstance(model, MaxEntRanker)

    @staticmethod
    def samples(X_row):
        return X_row

    @staticmethod
    def votes(model, rows):
        """The `Votes` on the candidates of one group, rows of shape (C, d)."""
        return _by_feature(validate_data(model, rows, reset=False, accept_sparse="csr"), model.coef_)

    @staticmethod
    def labels(model, votes):
        return list(range(votes.offset.size))

    @staticmethod
    def texts(steps, model, data, columns, votes):
        return []

    @staticmethod
    def column_name(label):
        return f"candidate {label}"


class Joint(Columns):
    """Joint features f(c, d): each has one weight and an answer for every class; not centred."""

    name = "joint"
    headings = ("weight", "value")
    is_centred, has_offset = False, False

    @staticmethod
    def takes(model):
        return hasattr(model, "joint_table_")

    @staticmethod
    def samples(X_row):
        return [X_row]

    @staticmethod
    def votes(model, data):
        """The `Votes` on one datum; with two classes one column, the second class less the first."""
        design = model.features.design(data, model.classes_.tolist(), model.joint_table_)
        votes = _by_feature(design, model.coef_)
        if len(model.classes_) > 2:
            return votes
        answers = votes.several[:, 1:] - votes.several[:, :1]
        return Votes(votes.columns, votes.single, answers, votes.offset[1:])

    @staticmethod
    def names(steps, model, columns, data=None):
        return model.joint_feature_names_[columns].tolist()

    @staticmethod
    def texts(steps, model, data, columns, votes):
        return []


class TaggedToken(Columns):
    """A token of a sentence: its features and the tags beside it have one value and a weight for each tag."""

    name = "token"
    mean_name = "mean of the tags"

    @staticmethod
    def takes(model):
        return isinstance(model, Tagger)

    @staticmethod
    def names(steps, model, columns, data=None):
        return model.feature_names_[columns].tolist()


class Tokens(Columns):
    """Tokens of a sequence, for a recurrent network: each has the value 1 and a vote for every class."""

    name = "tokens"

    @staticmethod
    def takes(model):
        return isinstance(model, RecurrentPrediction)


#: the more particular first
FORMS = {form.name: form for form in (Candidates, Joint, TaggedToken, Tokens, Columns)}


def form_of(model):
    """The form of a fitted model."""
    return next(form for form in FORMS.values() if form.takes(model))


def unwrap(estimator):
    """A fitted model of any form with what is around it (Peeled)."""
    peeled = peel(estimator)
    estimator = peeled.classifier
    form = form_of(estimator)
    if form is not Columns and (form is not TaggedToken or is_linear(estimator)):
        return peeled
    pairwise = isinstance(estimator, SVC | NuSVC) and len(estimator.classes_) > 2
    if not is_classifier(estimator) or pairwise or not (is_network(estimator) or is_linear(estimator)):
        note = " that votes between pairs of classes" if pairwise else ""
        raise ValueError(
            "Expected 'estimator' to be a linear classifier (with coef_ and intercept_), a multilayer "
            "perceptron (with coefs_ and intercepts_), or a Pipeline that ends in one. "
            f"Got {type(estimator).__name__}{note} instead."
        )
    return peeled


def _by_feature(X, coef):
    columns = np.unique(X.indices) if sparse.issparse(X) else np.flatnonzero(np.any(X, axis=0))
    answers = X[:, columns]
    answers = answers.toarray() if sparse.issparse(answers) else answers
    return Votes(columns, coef[columns].astype(float), answers.T.astype(float), np.zeros(X.shape[0]))
