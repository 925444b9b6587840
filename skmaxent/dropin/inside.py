"""scikit-learn's own functions, with single names that they use replaced."""

from copy import deepcopy
from inspect import unwrap
from types import FunctionType

from sklearn.utils.validation import check_is_fitted


def with_names(function, module, **names):
    """A copy of a function of `module` that sees other objects under some global names.

    The module itself stays as it is, so that its own classes, and fits in other threads, are not affected.
    The copy is made anew for each fit, after whatever a user has set in the module.
    """
    function = unwrap(function)
    copy = FunctionType(
        function.__code__,
        vars(module) | names,
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )
    copy.__kwdefaults__, copy.__doc__ = function.__kwdefaults__, function.__doc__
    return copy


def their_class(ours):
    """The class of scikit-learn that one of ours stands for."""
    return next(kind for kind in ours.__mro__ if kind.__module__.startswith("sklearn."))


class AsTheirs:
    """Mixin of a subclass: what scikit-learn tells from the module of a class, and its description."""

    _doc_link_module = __name__.split(".")[0]

    def __init_subclass__(cls, **options):
        super().__init_subclass__(**options)
        if cls.__doc__ is None:
            # Without the examples, which import their class.
            cls.__doc__ = their_class(cls).__doc__.partition("    Examples\n    ---")[0]

    def to_sklearn(self):
        """The fitted model as an instance of scikit-learn's own class, which works without this package.

        Returns
        -------
        model : estimator
            Fitted, with copies of all attributes but ``fit_engine_``.
        """
        check_is_fitted(self)
        return self._counterpart()

    def _counterpart(self):
        """The same state in an instance of scikit-learn's own class."""
        model = object.__new__(their_class(type(self)))
        for name, value in vars(self).items():
            if name != "fit_engine_":
                value = deepcopy(value)
                if type(value).__module__.startswith(f"{self._doc_link_module}."):  # an optimiser of ours
                    vars(value).pop("run", None)
                    value.__class__ = their_class(type(value))
                vars(model)[name] = value
        return model

    def _doc_link_url_param_generator(self):
        # Their pages, under the public folder of the class we stand for.
        module = their_class(type(self)).__module__
        public = ".".join(part for part in module.split(".") if not part.startswith("_"))
        return {"estimator_module": public, "estimator_name": type(self).__name__}
