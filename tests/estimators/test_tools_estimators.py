"""Explanations through pipelines with samplers, and through meta-estimators."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import FixedThresholdClassifier, GridSearchCV, TunedThresholdClassifierCV
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.svm import LinearSVC
from tools_examples import LABELS, NUMBERS, ROW, TEXTS, TWO, X, Y, scaled

from skmaxent import (
    CoefficientsDisplay,
    MaxEntClassifier,
    MaxEntClassifierCV,
    PathDisplay,
    VotesDisplay,
    explain,
    top_features,
)
from skmaxent.inspection import final_estimator

# ---- samplers


class Doubling(BaseEstimator):
    """A sampler as imbalanced-learn has them: it changes training data and cannot transform."""

    def fit_resample(self, X, y):
        twice = [*range(len(y))] * 2
        return [X[i] for i in twice] if isinstance(X, list) else X[twice], [y[i] for i in twice]


class ResamplingPipeline(Pipeline):
    """Stands in for imblearn.pipeline.Pipeline, which derives from scikit-learn's and skips samplers."""

    def _validate_steps(self):
        pass

    def _iter(self, with_final=True, filter_passthrough=True):
        steps = super()._iter(with_final, filter_passthrough)
        return ((i, name, step) for i, name, step in steps if not hasattr(step, "fit_resample"))

    def fit(self, X, y):
        for _, step in self.steps[:-1]:
            if hasattr(step, "fit_resample"):
                X, y = step.fit_resample(X, y)
            elif step != "passthrough":
                X = step.fit_transform(X, y)
        self.steps[-1][1].fit(X, y)
        return self


def stand_in():
    return ResamplingPipeline, Doubling()


def imbalanced_learn():
    sampling = pytest.importorskip("imblearn.over_sampling")
    return pytest.importorskip("imblearn.pipeline").Pipeline, sampling.RandomOverSampler(random_state=0)


@pytest.mark.parametrize("parts", [stand_in, imbalanced_learn])
def test_samplers_are_skipped(parts):
    pipeline, sampler = parts()
    model = pipeline([("words", CountVectorizer()), ("sample", sampler), ("classify", MaxEntClassifier())])
    model.fit(TEXTS, LABELS)
    plain = make_pipeline(model[0], model[-1])
    ours, theirs = explain(model, TEXTS[0]), explain(plain, TEXTS[0])
    np.testing.assert_allclose(ours.scores, model.decision_function([TEXTS[0]]), rtol=1e-12)
    assert str(ours) == str(theirs) and ours.marked_texts == theirs.marked_texts != []
    assert top_features(model) == top_features(plain)
    assert final_estimator(model) is model[-1]
    whole = FrozenEstimator(make_pipeline(FrozenEstimator(model)))
    assert str(explain(whole, TEXTS[0])) == str(theirs)


def test_samplers_of_inner_pipelines_are_skipped():
    inner = ResamplingPipeline(
        [
            ("none", "passthrough"),
            ("sample", Doubling()),
            ("words", CountVectorizer()),
            ("tf", TfidfTransformer()),
        ]
    )
    inner[2].fit(TEXTS)
    inner[3].fit(inner[2].transform(TEXTS))
    plain = make_pipeline(inner[2], inner[3])
    model = LogisticRegression().fit(plain.transform(TEXTS), LABELS)
    for around in (lambda step: step, lambda step: FeatureUnion([("all", step)])):
        ours = explain(make_pipeline(around(inner), model), TEXTS[0])
        theirs = explain(make_pipeline(around(plain), model), TEXTS[0])
        assert str(ours) == str(theirs) and ours.marked_texts == theirs.marked_texts
        assert ours.marked_texts[0][1] != []


# ---- meta-estimators


@pytest.mark.parametrize(
    "around",
    [
        FrozenEstimator,
        lambda model: Pipeline([("frozen", FrozenEstimator(model))]),
        lambda model: make_pipeline(FrozenEstimator(model[0]), FrozenEstimator(model[1])),
        lambda model: SelfTrainingClassifier(FrozenEstimator(model)).fit(
            X, np.where(np.arange(150) % 9, NUMBERS, -1)
        ),
    ],
)
def test_what_only_stands_around_is_transparent(around):
    model = scaled().fit(X, NUMBERS)
    wrapped = around(model)
    assert str(explain(wrapped, ROW)) == str(explain(model, ROW))
    assert top_features(wrapped) == top_features(model)
    assert final_estimator(wrapped) is model[-1]


def test_frozen_vectorizers_name_and_mark_their_words():
    pd = pytest.importorskip("pandas")
    words = FrozenEstimator(CountVectorizer().fit(TEXTS))
    frame = pd.DataFrame({"text": TEXTS})
    for step, data, row in (
        (words, TEXTS, TEXTS[0]),
        (FeatureUnion([("w", words)]), TEXTS, TEXTS[0]),
        (ColumnTransformer([("w", words, "text")]), frame, frame.iloc[[0]]),
    ):
        explanation = explain(make_pipeline(step, LogisticRegression()).fit(data, LABELS), row)
        assert "because" in {name.removeprefix("w__") for name in explanation.features}
        ((text, spans),) = explanation.marked_texts
        assert [text[a:b] for a, b, _ in spans] == TEXTS[0].split()


@pytest.mark.parametrize(
    "inner", [LinearSVC(), scaled(), LogisticRegression(max_iter=1000)], ids=["svm", "maxent", "lr"]
)
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
def test_one_calibrated_classifier_votes_and_the_calibration_decides(inner, classes, method):
    data, y = (X, Y) if classes == 3 else (X[TWO], Y[TWO])
    fitted = clone(inner).fit(data, y)
    for model in (
        CalibratedClassifierCV(clone(inner), method=method, ensemble=False),
        CalibratedClassifierCV(FrozenEstimator(fitted), method=method),  # ensemble=False by itself
        CalibratedClassifierCV(
            FrozenEstimator(fitted), method=method, ensemble=True
        ),  # five of one classifier
    ):
        model.fit(data, y)
        core = final_estimator(fitted)
        for row in data[::30]:
            explanation = explain(model, row, top=2)
            expected = explain(fitted, row, top=2)
            np.testing.assert_allclose(explanation.scores, expected.scores, atol=1e-12)
            np.testing.assert_allclose(explanation.votes, expected.votes, atol=1e-12)
            assert explanation.prediction == model.predict([row])[0]
            assert list(explanation.probabilities) == model.classes_.tolist()
            np.testing.assert_array_equal(
                list(explanation.probabilities.values()), model.predict_proba([row])[0]
            )
        assert explanation.estimator_name == type(core).__name__
        assert explanation.decider_name == "CalibratedClassifierCV"
        assert str(explanation).startswith(f"CalibratedClassifierCV of {type(core).__name__} predicts ")
        assert "probabilities those of CalibratedClassifierCV" in explanation._repr_html_()
        assert list(top_features(model)) == model.classes_.tolist()


def test_the_mean_of_several_calibrated_classifiers_has_no_votes():
    model = CalibratedClassifierCV(LinearSVC(), cv=3, ensemble=True).fit(X, Y)
    for tool in (lambda m: explain(m, ROW), top_features, final_estimator):
        with pytest.raises(ValueError, match=r"mean of the probabilities of 3.*calibrated_classifiers_\[0\]"):
            tool(make_pipeline("passthrough", model))
    part = model.calibrated_classifiers_[0].estimator
    np.testing.assert_allclose(explain(part, ROW).scores, part.decision_function([ROW])[0], rtol=1e-12)


def thresholds():
    fixed = {"response_method": "predict_proba", "pos_label": "virginica"}
    yield FixedThresholdClassifier(scaled(), threshold=0.9, **fixed)
    yield FixedThresholdClassifier(scaled(), threshold=0.9, **{**fixed, "pos_label": "versicolor"})
    yield FixedThresholdClassifier(LinearSVC(), threshold=0.5, pos_label="virginica")
    yield FixedThresholdClassifier(
        CalibratedClassifierCV(LinearSVC(), ensemble=False), threshold=0.2, **fixed
    )
    yield TunedThresholdClassifierCV(scaled(), scoring="accuracy", cv=3)
    yield make_pipeline(
        StandardScaler(), TunedThresholdClassifierCV(LogisticRegression(), scoring="accuracy", cv=3)
    )
    yield GridSearchCV(
        FixedThresholdClassifier(scaled(), pos_label="virginica"), {"threshold": [0.1, 0.8]}, cv=2
    )


@pytest.mark.parametrize("model", [*thresholds()])
def test_a_threshold_decides_on_the_votes_of_the_classifier_inside(model):
    model.fit(X[TWO], Y[TWO])
    differ = 0
    for row in X[TWO][::3]:
        explanation = explain(model, row)
        total = explanation.votes.sum() + explanation.offset + explanation.remainder
        np.testing.assert_allclose(total, explanation.scores, rtol=1e-12)
        assert (explanation.classes, explanation.against) == (["virginica"], "versicolor")
        assert explanation.prediction == model.predict([row])[0]
        differ += explanation.prediction != ("virginica" if explanation.scores[0] > 0 else "versicolor")
        if hasattr(model, "predict_proba"):
            np.testing.assert_allclose(
                list(explanation.probabilities.values()), model.predict_proba([row])[0]
            )
        else:
            assert explanation.probabilities is None
    assert differ or not isinstance(model, FixedThresholdClassifier)
    assert top_features(model).keys() == {"versicolor", "virginica"}


def test_a_threshold_of_a_fitted_classifier_needs_no_fit():
    inner = scaled().fit(X[TWO], Y[TWO])
    model = FixedThresholdClassifier(FrozenEstimator(inner), threshold=0.9, pos_label="virginica")
    assert explain(model, ROW).prediction == model.predict([ROW])[0] == "versicolor"
    assert explain(inner, ROW).prediction == "virginica"
    assert top_features(model) == top_features(inner)
    for unfitted in (FixedThresholdClassifier(scaled()), FrozenEstimator(scaled()), CalibratedClassifierCV()):
        with pytest.raises(NotFittedError):
            explain(unfitted, ROW)


def test_displays_look_through_meta_estimators():
    pytest.importorskip("matplotlib").use("Agg")
    inner = MaxEntClassifierCV(Cs=[0.1, 1.0], cv=2).fit(X[TWO], Y[TWO])
    model = FixedThresholdClassifier(FrozenEstimator(inner), pos_label="virginica")
    assert PathDisplay.from_estimator(model).best_C == inner.C_
    assert len(CoefficientsDisplay.from_estimator(model).axes_) == 2
    votes = VotesDisplay.from_estimator(model, ROW)
    proba = inner.predict_proba([ROW])[0, 1]
    assert votes.ax_.get_xlabel() == f"vote; probability of virginica: {proba:.4f}"
