"""A user's script without a fault, with scikit-learn around ours: as strict as scikit-learn allows."""

from sklearn.base import BaseEstimator  # type: ignore[import-untyped]
from sklearn.datasets import load_iris  # type: ignore[import-untyped]
from sklearn.model_selection import GridSearchCV, cross_val_score  # type: ignore[import-untyped]
from sklearn.pipeline import make_pipeline  # type: ignore[import-untyped]
from sklearn.preprocessing import StandardScaler  # type: ignore[import-untyped]

from skmaxent import BackpropMLPClassifier, MaxEntClassifier
from skmaxent.dropin import LogisticRegression, MLPClassifier, install


def mean_score(estimator: BaseEstimator) -> float:
    """Ours are estimators of scikit-learn's."""
    return cross_val_score(estimator, X, y, cv=2).mean()


X, y = load_iris(return_X_y=True)
pipeline = make_pipeline(StandardScaler(), MaxEntClassifier(C=2.0))
grid = GridSearchCV(pipeline, {"maxentclassifier__C": [0.1, 1.0]}, cv=2).fit(X, y)
print(grid.best_score_, grid.predict(X)[:2], mean_score(MaxEntClassifier()))
print(mean_score(BackpropMLPClassifier((3,), tol=1e9, n_iter_no_change=1)))
with install():
    model = LogisticRegression(C=2.0).fit(X, y)
print(model.coef_.shape, model.fit_engine_, MLPClassifier(hidden_layer_sizes=(3,)).alpha)
