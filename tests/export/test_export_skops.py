"""Fitted models of every estimator go through skops with the documented list of types."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from problems import random_sparse
from sklearn.pipeline import make_pipeline
from tagged_sentences import sentences
from variants import VARIANTS

import skmaxent
from skmaxent import (
    BackpropMLPClassifier,
    CRFTagger,
    LogCountRatioScaler,
    MaxEntClassifier,
    MaxEntTagger,
    RecurrentClassifier,
    TokenFeatures,
)
from skmaxent.export import SKOPS_TYPES
from skmaxent.sequences import word_features

io = pytest.importorskip("skops.io", reason="skops is not installed")
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = random_sparse(60, 12, 0.4, seed=3), np.arange(60) % 3
NETWORK = {"hidden_layer_sizes": (3,), "max_iter": 2, "random_state": 0}


def word_length(token):
    return [len(token)]


def tagged(model):
    tokens, tags = sentences(30)
    return model.fit(tokens, tags), tokens


def words(model):
    tokens, tags = sentences(30)
    data = [[token["word"] for token in sentence] for sentence in tokens]
    return model.fit(data, tags), data


#: More than the registry has: fitted models and what they predict.
OTHERS = {
    "CRF": lambda: tagged(CRFTagger()),
    "tagger": lambda: tagged(MaxEntTagger(history=["tag[-1] & word"], tag_dictionary=True)),
    "tagger with a network": lambda: tagged(MaxEntTagger(BackpropMLPClassifier(**NETWORK))),
    "words": lambda: words(make_pipeline(TokenFeatures(word_features), CRFTagger())),
    "sparse weights": lambda: (MaxEntClassifier(l1_ratio=1.0).fit(X, Y).sparsify(), X),
    "log-count ratios": lambda: (
        make_pipeline(LogCountRatioScaler(), MaxEntClassifier()).fit(abs(X), Y % 2),
        abs(X),
    ),
    "warm start": lambda: (BackpropMLPClassifier(warm_start=True, **NETWORK).fit(X, Y), X),
    "generator": lambda: (
        BackpropMLPClassifier(**{**NETWORK, "random_state": np.random.RandomState(0)}).fit(X, Y),
        X,
    ),
    "features of the user": lambda: (
        RecurrentClassifier((2,), features=word_length, max_iter=1, random_state=0).fit(
            [["a", "bb"], ["ccc", "a"]], ["x", "y"]
        ),
        [["a", "bb"]],
    ),
}


def fitted(name):
    """A fitted model, data, and further arguments of `predict`."""
    if name in OTHERS:
        return *OTHERS[name](), {}
    data, y, _, extra = VARIANTS[name].data()
    return VARIANTS[name].make().fit(data, y, **extra), data, extra


def ours(data):
    """The types that skops does not trust by itself, without functions of the tests."""
    return {name for name in io.get_untrusted_types(data=data) if name.split(".")[0] in ("skmaxent", "scipy")}


def alike(a, b):
    """Whether values are of the same types, and equal."""
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return [*a] == [*b] and all(map(alike, a.values(), b.values()))
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(alike, a, b))
    if isinstance(a, np.ndarray) and a.dtype != object:
        return a.dtype == b.dtype and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
    return True


@pytest.mark.parametrize("name", [*VARIANTS, *OTHERS])
def test_every_model_loads_with_the_list(name):
    model, data, extra = fitted(name)
    written = io.dumps(model)
    assert ours(written) <= {*SKOPS_TYPES}
    functions = {*io.get_untrusted_types(data=written)} - {*SKOPS_TYPES}
    assert not functions or name == "features of the user" or "joint" in name
    again = io.loads(written, trusted=[*SKOPS_TYPES, *functions])
    assert_array_equal(again.predict(data, **extra), model.predict(data, **extra))
    assert alike(vars(model), vars(again))


def test_every_type_of_the_list_is_needed_and_there():
    found = set().union(*(ours(io.dumps(fitted(name)[0])) for name in [*VARIANTS, *OTHERS]))
    assert found == {*SKOPS_TYPES} and len(SKOPS_TYPES) == len(found)
    estimators = {
        f"{value.__module__}.{name}"
        for name in skmaxent.__all__
        if hasattr(value := getattr(skmaxent, name), "fit") and isinstance(value, type)
    }
    assert estimators <= found


def test_without_the_list_nothing_loads():
    written = io.dumps(MaxEntClassifier().fit(X, Y))
    with pytest.raises(io.exceptions.UntrustedTypesFoundException):
        io.loads(written)
