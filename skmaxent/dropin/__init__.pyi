"""What type checkers see of `dropin`: scikit-learn's classes, and one attribute more."""

from typing import Any, Self

from sklearn.linear_model import LogisticRegression as _LogisticRegression  # type: ignore[import-untyped]
from sklearn.linear_model import LogisticRegressionCV as _LogisticRegressionCV  # type: ignore[import-untyped]
from sklearn.neural_network import MLPClassifier as _MLPClassifier  # type: ignore[import-untyped]

class LogisticRegression(_LogisticRegression):
    fit_engine_: str
    def to_sklearn(self) -> _LogisticRegression: ...

class LogisticRegressionCV(_LogisticRegressionCV):
    fit_engine_: str
    def to_sklearn(self) -> _LogisticRegressionCV: ...

class MLPClassifier(_MLPClassifier):
    fit_engine_: str
    def to_sklearn(self) -> _MLPClassifier: ...

class Installed:
    def __enter__(self) -> Self: ...
    def __exit__(self, *error: Any) -> None: ...

def install() -> Installed: ...
def summary() -> str: ...
def uninstall() -> None: ...
