"""Models that travel: to plain scikit-learn, ONNX, skops and eli5.

`to_sklearn` turns whatever holds our classifiers, such as a Pipeline, into scikit-learn's own classes;
`register_onnx` teaches skl2onnx to convert them; `SKOPS_TYPES` are the types that skops is to trust;
`register_eli5` lets eli5 explain them. ``docs/travel.md`` has a table of what goes where.
"""

from .eli5 import register_eli5
from .onnx import register_onnx
from .replacing import to_sklearn
from .skops import SKOPS_TYPES

__all__ = ["SKOPS_TYPES", "register_eli5", "register_onnx", "to_sklearn"]
