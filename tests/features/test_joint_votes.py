"""Votes and strongest features of models with joint features, and of rankers."""

import numpy as np
import pytest
from joint_examples import CLASSES, FUNCTIONS, accented_latin, ends_in_c, in_capitalised, names_data

from skmaxent import (
    CoefficientsDisplay,
    Joined,
    JointFeatures,
    MaxEntClassifier,
    MaxEntRanker,
    VotesDisplay,
    explain,
    top_features,
)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("top", [1, None])
def test_votes_sum_to_the_scores(n_classes, top):
    data, y = names_data()
    y = y if n_classes == 3 else ["DRUG" if c == "DRUG" else "LOCATION" for c in y]
    features = JointFeatures([*FUNCTIONS, Joined(0), Joined(1, min_count=2)], bias=True)
    model = MaxEntClassifier(features=features).fit(data, y)
    for d in data[:5]:
        explanation = explain(model, d, top=top)
        total = explanation.votes.sum(axis=0) + explanation.remainder + explanation.offset
        np.testing.assert_allclose(total, np.ravel(model.decision_function([d])), rtol=1e-12, atol=1e-12)
        assert explanation.prediction == model.predict([d])[0]
        weights = dict(zip(model.joint_feature_names_, model.coef_))
        assert explanation.weights.tolist() == [weights[name] for name in explanation.features]
        np.testing.assert_array_equal(explanation.values * explanation.weights[:, None], explanation.votes)
        contrast = explain(model, d, contrast=("LOCATION", "DRUG"))
        proba = dict(zip(model.classes_, model.predict_log_proba([d])[0]))
        np.testing.assert_allclose(contrast.scores, proba["LOCATION"] - proba["DRUG"], atol=1e-12)


def test_the_votes_of_the_worked_example():
    features = JointFeatures([in_capitalised, accented_latin, ends_in_c])
    model = MaxEntClassifier.from_weights(features=features, classes=CLASSES, coef=[1.8, -0.6, 0.3])
    explanation = explain(model, ("in", "Québec"))
    assert explanation.features == ["in_capitalised", "accented_latin", "ends_in_c"]
    np.testing.assert_array_equal(explanation.votes, [[1.8, 0, 0], [-0.6, 0, 0], [0, 0.3, 0]])
    lines = str(explanation).splitlines()
    assert lines[1].split() == ["feature", "weight", *CLASSES]
    assert lines[3].split() == ["in_capitalised", "1.8", "+1.800", "+0.000", "+0.000"]
    assert "intercept" not in str(explanation) and ">weight</th>" in explanation._repr_html_()
    row = explanation.to_dict()["features"][1]
    assert (row["weight"], row["values"], row["votes"][0]) == (-0.6, [1.0, 0.0, 0.0], -0.6)


def mixed_model():
    data, y = names_data()
    features = JointFeatures([*FUNCTIONS, Joined(0), Joined(1, min_count=2)], bias=True)
    return MaxEntClassifier(features=features).fit(data, y)


def test_top_features_of_joint_features_stand_under_their_class():
    model = mixed_model()
    weights = dict(zip(model.joint_feature_names_, model.coef_))
    top = top_features(model, n=3)
    assert list(top) == [None, *model.classes_]
    assert (
        top[None]
        == sorted(((f.__name__, weights[f.__name__]) for f in FUNCTIONS), key=lambda p: -abs(p[1]))[:3]
    )
    for c in model.classes_:
        own = {n.removesuffix(f", c={c}"): w for n, w in weights.items() if n.endswith(f"c={c}")}
        ranked = sorted(own.items(), key=lambda pair: -pair[1])
        assert ranked[2][1] > 0 > ranked[-3][1]
        assert top[c] == ranked[:3] + ranked[-3:]
        assert top_features(model, n=3, class_=c) == {c: top[c]}
    with pytest.raises(ValueError, match="class_='TOWN' is not a valid label"):
        top_features(model, class_="TOWN")
    assert "features of no class" in str(top) and "features of no class" in top._repr_html_()


def test_top_features_of_functions_alone():
    features = JointFeatures([in_capitalised, accented_latin, ends_in_c])
    model = MaxEntClassifier.from_weights(features=features, classes=CLASSES, coef=[1.8, -0.6, 0.3])
    expected = [("in_capitalised", 1.8), ("accented_latin", -0.6), ("ends_in_c", 0.3)]
    assert top_features(model) == {None: expected}
    assert top_features(model, class_="DRUG") == {"DRUG": []}


def test_top_features_of_a_ranker():
    pd = pytest.importorskip("pandas")
    X = pd.DataFrame({"near": [1.0, 0, 1, 0], "far": [0.0, 1, 0, 2], "same": [1.0, 1, 1, 1]})
    ranker = MaxEntRanker().fit(X, [1, 0, 1, 0], [0, 0, 1, 1])
    top = top_features(ranker)
    assert [name for name, _ in top[None]][:2] == ["far", "near"]
    assert top[None][0][1] == ranker.coef_[1] < 0
    with pytest.raises(ValueError, match="a MaxEntRanker has no classes"):
        top_features(ranker, class_=1)


def test_coefficients_display():
    pytest.importorskip("matplotlib").use("Agg")
    display = CoefficientsDisplay.from_estimator(mixed_model(), n=4)
    assert [panel.get_title() for panel in display.axes_] == ["features of no class", *sorted(CLASSES)]
    left, right = display.axes_[0].get_xlim()
    widths = [bar.get_width() for bar in display.axes_[0].patches]
    assert left < min(widths) < 0 < max(widths) < right
    assert display.axes_[1].get_xlim() == (left, right)


def test_votes_display_names_joint_features_without_a_value():
    pytest.importorskip("matplotlib").use("Agg")
    display = VotesDisplay.from_estimator(mixed_model(), ("in", "Québec"), top=2)
    names = [tick.get_text() for tick in display.ax_.get_yticklabels()]
    assert names[:2] == display.explanation.features
