"""scikit-learn's own functions, with single names that they use replaced."""

from inspect import unwrap
from types import FunctionType


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

    def _doc_link_url_param_generator(self):
        # Their pages, under the public folder of the class we stand for.
        module = their_class(type(self)).__module__
        public = ".".join(part for part in module.split(".") if not part.startswith("_"))
        return {"estimator_module": public, "estimator_name": type(self).__name__}
