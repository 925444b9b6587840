"""MaxEntTagger in scikit-learn's tools, in pickles of other processes, in skops."""

import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import make_scorer
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline
from tagged_sentences import chunks, sentences

import skmaxent
from skmaxent import MaxEntClassifier, MaxEntTagger, TokenFeatures
from skmaxent.sequences import flat_f1_score, span_f1_score, word_features

X, Y = sentences(60)


def test_clone_keeps_parameters_and_forgets_the_fit():
    tagger = MaxEntTagger(LogisticRegression(C=3), history=["tag[-1] & word"], beam_width=2).fit(X, Y)
    again = clone(tagger)
    assert not hasattr(again, "classes_") and again.get_params()["classifier__C"] == 3
    assert again.history == ["tag[-1] & word"]
    assert not hasattr(tagger.classifier, "classes_")  # the user's own is not fitted


def test_cross_validation_and_searches():
    scores = cross_val_score(MaxEntTagger(), X, Y, cv=3)
    assert scores.shape == (3,) and (scores > 0.7).all()
    predicted = cross_val_predict(MaxEntTagger(), X, Y, cv=3)
    assert predicted.shape == (60,) and list(map(len, predicted)) == list(map(len, Y))
    grid = {"classifier__C": [0.01, 1.0], "history": [(), ("tag[-1]",)]}
    search = GridSearchCV(
        MaxEntTagger(MaxEntClassifier()), grid, cv=2, scoring=make_scorer(flat_f1_score)
    ).fit(X, Y)
    assert search.best_params_ == {"classifier__C": 1.0, "history": ("tag[-1]",)}
    assert search.predict(X[:3]).shape == (3,)


def test_scorers_of_spans():
    data, tags = chunks(60)
    scores = cross_val_score(
        MaxEntTagger(scheme="IOB2"), data, tags, cv=2, scoring=make_scorer(span_f1_score)
    )
    assert ((scores > 0.5) & (scores <= 1)).all()


def test_words_in_a_pipeline():
    words = [[token["word"] for token in sentence] for sentence in X]
    model = make_pipeline(TokenFeatures(word_features), MaxEntTagger()).fit(words, Y)
    assert model.score(words, Y) > 0.85
    assert model.predict([["the", "dog", "walk"]]).tolist() == [["DET", "NOUN", "VERB"]]
    assert model.predict_proba([["the"]])[0].shape == (1, 3)
    with pytest.raises(ValueError, match=r"X\[0\] is a str .*a sentence must be a list of tokens"):
        model.predict(["the dog walks"])
    scores = cross_val_score(model, words, Y, cv=2)
    assert (scores > 0.7).all()
    assert "MaxEntTagger" in model._repr_html_()


PROGRAM = """
import pickle, sys
sys.path.insert(0, {support!r})
from tagged_sentences import sentences
tagger = pickle.load(open({file!r}, "rb"))
X, _ = sentences(20, seed=8)
sets = [[{{f"word={{t['word']}}", f"end={{t['end']}}"}} for t in s] for s in X]
print(tagger.predict(X).tolist(), tagger.predict(sets).tolist())
print([p.tolist() for p in tagger.predict_proba(sets)], tagger.feature_names_.tolist())
"""


def test_a_pickle_predicts_the_same_under_any_hash_seed(tmp_path):
    tagger = MaxEntTagger(history=["tag[-1]", "tag[-2] & tag[-1] & word"], tag_dictionary=True).fit(X, Y)
    file = tmp_path / "tagger.pickle"
    file.write_bytes(pickle.dumps(tagger))
    root = Path(skmaxent.__file__).parents[1]
    program = PROGRAM.format(support=str(root / "tests" / "support"), file=str(file))
    outputs = [
        subprocess.run(
            [sys.executable, "-c", program], env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(root)},
            capture_output=True, text=True, check=True,
        ).stdout
        for seed in ("1", "2")
    ]  # fmt: skip
    assert outputs[0] == outputs[1]
    test, _ = sentences(20, seed=8)
    assert outputs[0].startswith(str(tagger.predict(test).tolist()))


def test_a_pickle_holds_only_what_was_learnt():
    tagger = MaxEntTagger().fit(X, Y)
    before = pickle.dumps(tagger)
    tagger.predict(X)
    assert len(pickle.dumps(tagger)) == len(before)
    again = pickle.loads(before)
    assert again.predict(X).tolist() == tagger.predict(X).tolist()
    np.testing.assert_array_equal(np.vstack(again.predict_proba(X)), np.vstack(tagger.predict_proba(X)))


def test_skops():
    skops = pytest.importorskip("skops.io", reason="skops is not installed")
    tagger = MaxEntTagger(history=["tag[-1] & word"], tag_dictionary=True).fit(X, Y)
    data = skops.dumps(tagger)
    unknown = skops.get_untrusted_types(data=data)
    assert all(name.startswith("skmaxent.") for name in unknown)
    again = skops.loads(data, trusted=unknown)
    assert again.predict(X).tolist() == tagger.predict(X).tolist()


def test_it_is_no_classifier_of_single_samples():
    from sklearn.base import is_classifier
    from sklearn.utils import get_tags

    assert not is_classifier(MaxEntTagger())
    assert get_tags(MaxEntTagger()).target_tags.required
