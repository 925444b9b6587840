"""Advice in errors and warnings: foreign parameters, X that is no matrix, weights that never occur."""

from inspect import signature

import numpy as np
import pytest
from scipy import sparse

import skmaxent
from skmaxent import BackpropMLPClassifier, MaxEntClassifier, MaxEntClassifierCV, MaxEntRanker, maxent_path
from skmaxent.convex.solvers import SOLVERS
from skmaxent.estimators.common import advice
from skmaxent.estimators.common.advice import REPLACEMENTS

ESTIMATORS = [MaxEntClassifier, MaxEntClassifierCV, MaxEntRanker]


@pytest.mark.parametrize("make", ESTIMATORS)
@pytest.mark.parametrize("name", REPLACEMENTS)
def test_a_parameter_of_scikit_learns_names_its_replacement(make, name):
    if name in signature(make).parameters:
        make(**{name: [0.5]})
        return
    with pytest.raises(TypeError, match=f"unexpected keyword argument '{name}'.*skmaxent.dropin"):
        make(**{name: "l1"})


@pytest.mark.parametrize("make", ESTIMATORS)
def test_other_parameters_are_refused_as_by_python(make):
    with pytest.raises(TypeError, match=r"unexpected keyword argument 'nothing'$"):
        make(nothing=1)
    assert "kwargs" not in signature(make).parameters


@pytest.mark.parametrize("solver", ["saga", "liblinear", "sag"])
def test_the_solvers_are_listed_in_the_order_of_the_registry(solver):
    listed = ", ".join(map(repr, ["auto", *SOLVERS]))
    with pytest.raises(
        ValueError, match=f"must be a str among {{{listed}}}.*skmaxent.dropin.*Got '{solver}'"
    ):
        MaxEntClassifier(solver=solver).fit([[0.0], [1.0]], [0, 1])


# ---- X that is no matrix

TEXTS = ["a fine film", "a dull film", "fine acting", "dull plot"]
WORDS = [text.split() for text in TEXTS]
DICTS = [{"first": words[0], "n": len(words)} for words in WORDS]
FITS = {
    "maxent": lambda X, y: MaxEntClassifier().fit(X, y),
    "search": lambda X, y: MaxEntClassifierCV(cv=2).fit(X, y),
    "path": lambda X, y: maxent_path(X, y),
    "network": lambda X, y: BackpropMLPClassifier().fit(X, y),
    "ranker": lambda X, y: MaxEntRanker().fit(X, y, groups=[0, 0, 1, 1]),
}
REMEDIES = [
    (TEXTS, "Got texts: use sklearn.feature_extraction.text.TfidfVectorizer or CountVectorizer"),
    (np.array(TEXTS), "Got texts: "),
    (np.array(TEXTS, dtype=object), "Got texts: "),
    (DICTS, r"Got dicts: use sklearn.feature_extraction.DictVectorizer.*JointFeatures\(\[Joined\(key\)"),
    (WORDS, "Got lists of str: .*MaxEntTagger or skmaxent.CRFTagger; .*CountVectorizer.*OneHotEncoder"),
    ([[{"w": word} for word in words] for words in WORDS], "Got sentences, .*skmaxent.MaxEntTagger"),
    ([[[word, "NN"] for word in words] for words in WORDS], "Got sentences, .*skmaxent.CRFTagger"),
    ([[{word} for word in words] for words in WORDS], "Got sentences, .*skmaxent.CRFTagger"),
]


@pytest.mark.parametrize("fit", FITS.values(), ids=FITS)
@pytest.mark.parametrize("X, remedy", REMEDIES)
def test_what_is_no_matrix_names_what_makes_one(fit, X, remedy):
    with pytest.raises(
        (ValueError, TypeError), match=f"takes X as a matrix of numbers, one row a sample. {remedy}"
    ):
        fit(X, [0, 1, 0, 1])


@pytest.mark.parametrize("X, remedy", [*REMEDIES, ("one text", "Got one str"), (DICTS[0], "Got one dict")])
def test_predict_names_it_too(X, remedy):
    table, y = np.eye(4), [0, 1, 0, 1]
    ranker = MaxEntRanker().fit(table, y, groups=[0, 0, 1, 1])
    for model in (MaxEntClassifier().fit(table, y), BackpropMLPClassifier(solver="lbfgs").fit(table, y)):
        with pytest.raises(
            (ValueError, TypeError), match=f"{type(model).__name__} takes X as a matrix.*{remedy}"
        ):
            model.predict(X)
    with pytest.raises((ValueError, TypeError), match=f"MaxEntRanker takes X as a matrix.*{remedy}"):
        ranker.decision_function(X)


def test_frames_of_text_and_series():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"text": TEXTS, "n": [1, 2, 3, 4]})
    with pytest.raises(
        ValueError, match=r"a DataFrame whose columns are not all numbers: .*ColumnTransformer"
    ):
        MaxEntClassifier().fit(frame, [0, 1, 0, 1])
    with pytest.raises(ValueError, match="Got texts"):
        MaxEntClassifier().fit(frame["text"], [0, 1, 0, 1])


@pytest.mark.parametrize("X, message", [([1.0, 2.0], "Expected 2D array"), ([[1.0], [np.nan]], "NaN")])
def test_other_faults_keep_scikit_learns_words(X, message):
    with pytest.raises(ValueError, match=message):
        MaxEntClassifier().fit(X, [0, 1])


# ---- far more weights than pairs that occur


def one_class_a_column(n_classes=12, d=120, seed=0):
    rng = np.random.default_rng(seed)
    columns = rng.integers(d, size=400)
    X = sparse.csr_array((np.ones(400), (np.arange(400), columns)), shape=(400, d))
    return X, columns % n_classes


@pytest.mark.parametrize(
    "fit",
    [
        lambda X, y: MaxEntClassifier().fit(X, y),
        lambda X, y: MaxEntClassifierCV(Cs=[1.0], cv=2).fit(X, y),
        lambda X, y: maxent_path(X, y, Cs=[1.0]),
    ],
)
def test_weights_that_never_occur_are_pointed_at(fit, monkeypatch):
    monkeypatch.setattr(advice, "MANY_WEIGHTS", 1000)
    X, y = one_class_a_column()
    n_pairs = len(np.unique(X.indices))
    with pytest.warns(UserWarning, match=f"learns 1,440 weights, .*only {n_pairs} of these pairs") as caught:
        fit(X, y)
    assert caught[0].filename == __file__


def test_no_hint_where_it_would_not_help(monkeypatch):
    monkeypatch.setattr(advice, "MANY_WEIGHTS", 1000)
    X, y = one_class_a_column()
    shuffled = np.random.default_rng(0).permutation(y)  # three classes a column
    MaxEntClassifier().fit(X, shuffled)
    MaxEntClassifier(features="observed").fit(X, y)
    MaxEntClassifier(min_count=5).fit(X, y)  # few columns are left
    MaxEntClassifier().fit(X, y % 2)
    MaxEntClassifier(tol=1e-3).fit(X.toarray(), y)
    monkeypatch.setattr(advice, "MANY_WEIGHTS", 2000)
    MaxEntClassifier().fit(X, y)


class Collection:
    """What is known of any collection of dask's."""

    shape, ndim, dtype = (4, 2), 2, np.dtype(float)

    def __dask_graph__(self):
        return {}

    def __array__(self, *args, **kwargs):
        raise AssertionError("computed without being asked")


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", ["MaxEntClassifier", "MaxEntClassifierCV", "BackpropMLPClassifier"])
def test_collections_of_dask_are_refused_before_anything_is_computed(name):
    with pytest.raises(TypeError, match=r"takes arrays that are in memory, got .*Call X.compute\(\) first"):
        getattr(skmaxent, name)().fit(Collection(), [0, 1, 0, 1])
    model = getattr(skmaxent, name)(random_state=0).fit(np.arange(20.0).reshape(10, 2) % 7, [0, 1] * 5)
    with pytest.raises(TypeError, match="in memory"):
        model.predict(Collection())
