"""Errors of recurrent estimators: each names the sequence at fault, and leaves the old model whole."""

import numpy as np
import pytest
from scipy import sparse
from sequences import sentences
from sklearn.exceptions import NotFittedError

from skmaxent import RecurrentClassifier, RecurrentTagger

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
SMALL = {"embedding_size": 4, "random_state": 0, "max_iter": 2}


def classifier(**options):
    return RecurrentClassifier((3,), **{**SMALL, **options})


def tagger(**options):
    return RecurrentTagger((3,), **{**SMALL, **options})


VECTORS = [np.zeros((2, 3)), np.zeros((1, 3))]
FAULTS = {
    "a text": ("the cat", "X must be a list of sequences of tokens.*Got a string"),
    "texts": (["the cat", "a dog"], r"X\[0\] is a string where a sequence of tokens belongs: 'the cat'"),
    "a text inside": ([["the"], "a dog"], r"X\[1\] is a string where a sequence of tokens belongs"),
    "a number inside": ([["the"], 3], r"X\[1\] is 3, where a sequence of tokens belongs"),
    "no sequence": ([], r"Found array with 0 sample\(s\)"),
    "no token": ([[], []], "X has no token at all"),
    "numbers": ([1.0, 2.0], "Expected 2D array, got 1D array instead"),
    "sparse": (sparse.csr_matrix(np.eye(2)), "[Ss]parse"),
    "widths": (
        [np.zeros((2, 3)), np.zeros((2, 4))],
        r"X\[1\] has vectors of 4 numbers, those before it of 3",
    ),
    "depth": ([np.zeros((2, 3)), np.zeros((2, 3, 1))], r"X\[1\] has shape \(2, 3, 1\), where \(T, p\)"),
    "not finite": ([np.zeros((2, 3)), np.full((1, 3), np.nan)], r"X\[1\] contains NaN or infinity"),
    "words among numbers": ([np.zeros((2, 3)), ["a"]], r"X\[1\] holds no numbers"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_an_X_that_is_none(name):
    X, message = FAULTS[name]
    with pytest.raises((ValueError, TypeError), match=message):
        classifier().fit(X, [0, 1])


@pytest.mark.parametrize("make", [classifier, tagger])
def test_unhashable_tokens_are_named(make):
    X = [["a"], ["b", ["c"]]]
    with pytest.raises(TypeError, match=r"X\[1\]\[1\] is not hashable, as tokens must be: list"):
        make().fit(X, [0, 1] if make is classifier else [["x"], ["x", "y"]])


TAGS = {
    "lengths": ([["a", "b"], ["c"]], [["x", "y"], ["x", "y"]], r"X\[1\] has 1 tokens, but y\[1\] has 2 tags"),
    "number": ([["a"]], [["x"], ["y"]], "X has 1 sequences, y has 2"),
    "a string": ([["a"], ["b"]], [["x"], "y"], r"y\[1\] is 'y', where a list with a tag for each token"),
    "labels": ([["a"], ["b"]], [0, 1], r"y\[0\] is 0, where a list with a tag for each token belongs"),
    "none": ([["a"]], None, "requires y to be passed, but the target y is None"),
    "kinds": ([["a"], ["b"]], [["x"], [1]], "Tags must be all of one kind"),
}


@pytest.mark.parametrize("name", TAGS)
def test_tags_that_do_not_match(name):
    X, y, message = TAGS[name]
    with pytest.raises(ValueError, match=message):
        tagger().fit(X, y)


def test_labels_that_are_none():
    X, y, _ = sentences()
    for bad, message in (
        (None, "requires y to be passed, but the target y is None"),
        (y[:-1], "inconsistent numbers of samples"),
        (y + 0.5, "Unknown label type"),
        (np.where(y == 0, np.nan, 1.0), "NaN"),
    ):
        with pytest.raises(ValueError, match=message):
            classifier().fit(X, bad)


def test_validation_sets_with_unknown_labels_or_halves():
    X, labels, tags = sentences()
    with pytest.raises(ValueError, match=r"y_val\[1\]\[0\] is 'ODD', which is none of the classes"):
        tagger().fit(X, tags, X_val=[["a"], ["b"]], y_val=[["NOUN"], ["ODD"]])
    with pytest.raises(ValueError, match=r"y_val\[1\] is 7, which is none of the classes"):
        classifier().fit(X, labels, X_val=[["a"], ["b"]], y_val=[0, 7])
    with pytest.raises(ValueError, match="X_val and y_val must be given together"):
        tagger().fit(X, tags, X_val=X)
    with pytest.raises(ValueError, match="sample_weight_val needs X_val"):
        tagger().fit(X, tags, sample_weight_val=[1])
    with pytest.raises(ValueError, match="The validation set has no token"):
        tagger().fit(X, tags, X_val=[[]], y_val=[[]])
    with pytest.raises(ValueError, match=r"X\[0\] is a string"):
        tagger().fit(X, tags, X_val=["ab"], y_val=[["NOUN"]])


def test_weights_that_are_none():
    X, labels, _ = sentences()
    with pytest.raises(ValueError, match="zero"):
        classifier().fit(X, labels, np.zeros(len(X)))
    with pytest.raises(ValueError, match="Negative values"):
        classifier().fit(X, labels, -np.ones(len(X)))
    with pytest.raises(ValueError, match="no token at all"):
        classifier().fit([[], ["a"]], [0, 1], [1, 0])


@pytest.mark.parametrize("max_norm", [None, 5.0])
def test_divergence_names_the_remedies(max_norm):
    X = 1e3 * np.random.default_rng(0).normal(size=(40, 3))
    y = np.arange(40) % 2
    model = classifier(solver="sgd", learning_rate_init=1e200, max_norm=max_norm, max_iter=50).fit
    with (
        np.errstate(all="ignore"),
        pytest.raises(ValueError, match=r"not finite in epoch .*lower learning_rate_init .*max_norm"),
    ):
        model(X, y)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"cell": "transformer"}, "The 'cell' parameter of RecurrentTagger must be a str among"),
        ({"solver": "lbfgs"}, "The 'solver' parameter of RecurrentTagger must be a str among"),
        ({"max_norm": 0}, "The 'max_norm' parameter"),
        ({"word_dropout": 1.0}, "The 'word_dropout' parameter"),
        ({"features": "letters"}, "The 'features' parameter"),
        ({"hidden_layer_sizes": (3, 0)}, "hidden_layer_sizes must be > 0"),
        ({"hidden_layer_sizes": ()}, "at least one recurrent layer"),
        ({"scoring": "accuracy"}, "The 'scoring' parameter"),
    ],
)
def test_parameters_that_are_none(options, message):
    X, _, y = sentences()
    with pytest.raises(ValueError, match=message):
        tagger().set_params(**options).fit(X, y)


def test_before_a_fit_there_are_no_predictions():
    for make in (classifier, tagger):
        for method in ("predict", "predict_proba", "predict_log_proba", "hidden_states"):
            with pytest.raises(NotFittedError):
                getattr(make(), method)([["a"]])


def test_sequences_of_another_kind_than_those_of_the_fit():
    X, y, tags = sentences()
    of_tokens, of_vectors = classifier().fit(X, y), classifier().fit(VECTORS, [0, 1])
    with pytest.raises(ValueError, match=r"X has sequences of vectors of numbers, but .* fitted on tokens"):
        of_tokens.predict(VECTORS)
    with pytest.raises(ValueError, match=r"X has sequences of tokens, but .* fitted on vectors"):
        of_vectors.predict(X)
    with pytest.raises(ValueError, match=r"X has vectors of 2 numbers, but .* fitted on 3"):
        of_vectors.predict([np.zeros((4, 2))])
    for bad in ("the cat", ["the cat"], [["a", ["b"]]]):
        with pytest.raises((ValueError, TypeError)):
            tagger().fit(X, tags).predict(bad)


def test_a_failed_fit_leaves_the_old_model():
    X, _, y = sentences()
    model = tagger().fit(X, y)
    before = {name: id(value) for name, value in vars(model).items()}
    for bad in ((X, y[:-1]), (["a b"], [["x"]]), (np.full((3, 2), np.nan), [[0, 1]] * 3)):
        with pytest.raises(ValueError):
            model.fit(*bad)
        assert {name: id(value) for name, value in vars(model).items()} == before
