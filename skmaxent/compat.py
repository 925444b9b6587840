"""What the estimators share of scikit-learn's machinery, and all that depends on its version.

On scikit-learn >= 1.9 an estimator that mixes in `CallbackSupport` accepts `set_callbacks`;
on older versions the mixin and the decorator do nothing and `FitEvents` runs silently.
"""

import sys
import warnings
from functools import cache
from importlib.metadata import PackageNotFoundError, metadata
from inspect import signature

import numpy as np
from sklearn import get_config
from sklearn.base import BaseEstimator as BaseEstimator
from sklearn.base import ClassifierMixin as ClassifierMixin
from sklearn.base import OneToOneFeatureMixin as OneToOneFeatureMixin
from sklearn.base import TransformerMixin as TransformerMixin
from sklearn.base import _fit_context as fit_context  # noqa: F401
from sklearn.utils._param_validation import validate_params as validate_params
from sklearn.utils.metaestimators import available_if as available_if
from sklearn.utils.validation import _check_sample_weight, validate_data

from . import __version__

_WEIGHT_OPTIONS = signature(_check_sample_weight).parameters

try:
    from sklearn.callback import AutoPropagatedCallback, with_callbacks
    from sklearn.callback import CallbackSupportMixin as CallbackSupport

    HAS_CALLBACKS = True
except ImportError:  # scikit-learn < 1.9
    HAS_CALLBACKS = False

    class CallbackSupport:
        """Stands in for scikit-learn's mixin: no callbacks."""

    def with_callbacks(method):
        """Stands in for scikit-learn's decorator: the method as it is."""
        return method


def check_sample_weight(sample_weight, X):
    """Sample weights as a float64 array of shape (n_samples,), which may be 0 everywhere."""
    options = {"allow_all_zero_weights": True} if "allow_all_zero_weights" in _WEIGHT_OPTIONS else {}
    return _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True, **options)


def logistic_prior(C, l1_ratio, penalty):
    """The prior in the parameters of the installed LogisticRegression; `penalty` is the name of its kind."""
    from sklearn.linear_model import LogisticRegression

    if signature(LogisticRegression).parameters["penalty"].default == "deprecated":  # since 1.8
        prior = {"C": C, "l1_ratio": l1_ratio}
    else:
        prior = {"C": C if penalty else 1.0, "penalty": penalty}
        if penalty == "elasticnet":
            prior["l1_ratio"] = l1_ratio
    return prior if penalty in ("l2", None) else prior | {"solver": "saga"}


class FitEvents:
    """Reports the steps of one fit to the estimator's callbacks.

    Parameters
    ----------
    estimator : estimator
        The estimator whose `fit` runs, decorated by `with_callbacks`.
    max_steps : int or None
        Largest number of steps; None where their number tells nothing, and `step` how much is done.
    X, y : array-like
        Training data, passed on to the callbacks.
    metadata : dict or None
        For instance ``{"sample_weight": sample_weight}``.
    ordered : bool, default=True
        Whether one step follows another; otherwise `step` is told their numbers, in threads too.
    """

    #: Hundredths, of which progress bars are told where steps measure nothing.
    PARTS = 100

    def __init__(self, estimator, max_steps, X, y, metadata=None, ordered=True):
        self._estimator = estimator
        self._data = {"X": X, "y": y, "metadata": metadata}
        self._context, self._n_parts = None, 0
        # Without callbacks there is nobody to tell, and inside a meta-estimator the context
        # must exist so that its progress tree stays complete.
        if HAS_CALLBACKS:
            self._context = estimator._init_callback_context(
                max_subtasks=max_steps or self.PARTS, sequential_subtasks=ordered
            )
            self._context.call_on_fit_task_begin(estimator=estimator, **self._data)
            if max_steps is None:  # bars have their number of parts, and steps may be more or fewer
                self._context.max_subtasks = None

    @property
    def listening(self):
        """Whether a callback is set, so that events are worth preparing."""
        return self._context is not None and bool(getattr(self._estimator, "_skl_callbacks", None))

    def step(self, name, attributes, done=None, number=None, **data):
        """One step is over: tell the callbacks. True when one of them asks to stop.

        Parameters
        ----------
        name : str
            Name of the step, such as "newton-cg-iteration".
        attributes : callable
            Returns the dict of fitted attributes as of now; called only when a callback wants them.
        done : float in [0, 1], optional
            How much of the fit is done, where ``max_steps`` is None. Callbacks that count tasks and ask for
            no model, such as scikit-learn's ProgressBar, are then told of hundredths instead of steps.
        number : int, optional
            Of the step, where steps have no order.
        **data
            X, y and metadata of this step, where they are not those of the whole fit.
        """
        if not self.listening:
            return False
        callbacks = self._context._callbacks
        if done is None:
            return self._task(name, callbacks, attributes, number, data)
        bars = [callback for callback in callbacks if _counts(callback)]
        watchers = [callback for callback in callbacks if callback not in bars]
        stop = bool(watchers) and self._task(name, watchers, attributes)
        while bars and self._n_parts < int(self.PARTS * done):
            self._n_parts += 1
            stop |= self._task("hundredth", bars)
        return stop

    def _task(self, name, callbacks, attributes=None, number=None, data=()):
        """A task that begins and ends, of which only the given callbacks are told."""
        context = self._context.subcontext(task_name=name, task_id=number)
        context._callbacks = callbacks
        data = self._data | dict(data)
        context.call_on_fit_task_begin(estimator=self._estimator, **data)
        return context.call_on_fit_task_end(
            estimator=self._estimator, reconstruction_attributes=attributes, **data
        )

    def end(self, attributes):
        """The whole fit is over."""
        if self._context is not None:
            self._context.call_on_fit_task_end(
                estimator=self._estimator, reconstruction_attributes=attributes, **self._data
            )


def _counts(callback):
    """Whether a callback counts tasks: it goes along with meta-estimators, and asks for no model."""
    asked = signature(callback.on_fit_task_end).parameters
    return isinstance(callback, AutoPropagatedCallback) and "fitted_estimator" not in asked


def routing_enabled():
    """Whether scikit-learn's metadata routing is on."""
    return bool(get_config().get("enable_metadata_routing", False))


def validate_training_data(estimator, X, y):
    """X as a float array or CSR/CSC, and the attributes about its columns, still unset.

    scikit-learn's `validate_data` sets ``n_features_in_`` at once; here that happens on a stand-in,
    so that a fit that fails later leaves the old model whole.
    """
    if y is None:
        raise ValueError(f"{type(estimator).__name__} requires y to be passed, but the target y is None.")
    stand_in = object.__new__(type(estimator))
    stand_in.__dict__.update(vars(estimator))
    X = validate_data(stand_in, X, accept_sparse=("csr", "csc"), dtype=[np.float64, np.float32])
    names = ("n_features_in_", "feature_names_in_")
    return X, {name: getattr(stand_in, name) for name in names if hasattr(stand_in, name)}


@cache
def site_address():
    """Address of the documentation's site, from the metadata of the installed package; "" without one."""
    try:
        urls = metadata(__name__.split(".")[0]).get_all("Project-URL") or []
    except PackageNotFoundError:
        return ""
    addresses = dict(url.split(", ", 1) for url in urls)
    return addresses.get("Documentation", "").rstrip("/")


class Documented:
    """Mixin: scikit-learn's HTML view of an estimator links to its page on the site, where there is one."""

    _doc_link_module = __name__.split(".")[0]
    _doc_link_template = "{url}"

    def _doc_link_url_param_generator(self):
        name = type(self).__name__
        return {
            "url": site_address() and f"{site_address()}/api/generated/{self._doc_link_module}.{name}.html"
        }


class VersionedPickle(Documented):
    """Mixin: pickles carry the version of skmaxent and warn when it differs on loading.

    All that fits also links to its documentation.
    """

    def __getstate__(self):
        return {**super().__getstate__(), "_skmaxent_version": __version__}

    def __setstate__(self, state):
        version = state.get("_skmaxent_version", "unknown")
        if version != __version__:
            warnings.warn(
                f"Trying to unpickle {type(self).__name__} from skmaxent {version} with version "
                f"{__version__}. This may lead to wrong results; fit the model again to be safe.",
                UserWarning,
                stacklevel=2,
            )
        super().__setstate__({name: value for name, value in state.items() if name != "_skmaxent_version"})


#: packages whose lines are not the user's: this one, and those that call it for the user
_BETWEEN = {__name__.split(".")[0], "sklearn", "joblib"}


def warn_user(message, category=UserWarning):
    """Warn at the first line outside of this package and of scikit-learn.

    Decorators and meta-estimators put a number of frames between the two that differs by version, so that
    no fixed `stacklevel` is right.
    """
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_globals.get("__name__", "").split(".")[0] in _BETWEEN:
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)
