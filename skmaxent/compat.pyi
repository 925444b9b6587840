"""What type checkers see of `compat`.

scikit-learn has no types: a base class or a decorator of it is Any for mypy, and hides every wrong attribute
and parameter of what is built on it.
"""

from collections.abc import Callable
from typing import Any, Literal, Self, TypeVar

import numpy as np
from numpy.typing import ArrayLike

_Function = TypeVar("_Function", bound=Callable[..., Any])

HAS_CALLBACKS: bool

# mypy takes a variable of this name for true. Others read scikit-learn's source: its classes are the bases.
MYPY: Literal[False]
if MYPY:
    from .mypy_bases import BaseEstimator as BaseEstimator
    from .mypy_bases import ClassifierMixin as ClassifierMixin
else:
    from sklearn.base import BaseEstimator as BaseEstimator
    from sklearn.base import ClassifierMixin as ClassifierMixin

class CallbackSupport:
    def set_callbacks(self, *callbacks: Any) -> Self: ...

class TransformerMixin:
    def fit_transform(self, X: Any, y: Any = None, **fit_params: Any) -> Any: ...

# With the names of its columns a transformer has `set_output` too.
class OneToOneFeatureMixin:
    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray: ...
    def set_output(self, *, transform: str | None = None) -> Self: ...

def site_address() -> str: ...

class Documented:
    def get_params(self, deep: bool = True) -> dict[str, Any]: ...
    def set_params(self, **params: Any) -> Self: ...

class VersionedPickle(Documented):
    def get_metadata_routing(self) -> Any: ...
    def set_fit_request(self, **requests: bool | str | None) -> Self: ...
    def set_partial_fit_request(self, **requests: bool | str | None) -> Self: ...
    def set_score_request(self, **requests: bool | str | None) -> Self: ...

class FitEvents:
    listening: bool
    def __init__(
        self,
        estimator: Any,
        max_steps: int | None,
        X: Any,
        y: Any,
        metadata: Any = None,
        ordered: bool = True,
    ) -> None: ...
    def step(
        self,
        name: str,
        attributes: Callable[[], dict[str, Any]],
        done: float | None = None,
        number: int | None = None,
        **data: Any,
    ) -> bool: ...
    def end(self, attributes: Callable[[], dict[str, Any]]) -> None: ...

def available_if(check: Callable[[Any], bool]) -> Callable[[_Function], _Function]: ...
def check_sample_weight(sample_weight: ArrayLike | None, X: Any) -> np.ndarray: ...
def fit_context(*, prefer_skip_nested_validation: bool) -> Callable[[_Function], _Function]: ...
def logistic_prior(C: float, l1_ratio: float, penalty: str | None) -> dict[str, Any]: ...
def routing_enabled() -> bool: ...
def validate_training_data(estimator: Any, X: Any, y: Any) -> tuple[Any, dict[str, Any]]: ...
def validate_params(
    constraints: dict[str, Any], /, *, prefer_skip_nested_validation: bool
) -> Callable[[_Function], _Function]: ...
def warn_user(message: str, category: type[Warning] = ...) -> None: ...
def with_callbacks(method: _Function) -> _Function: ...
