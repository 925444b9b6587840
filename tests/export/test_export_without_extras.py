"""What `export` says where an optional package is missing."""

import sys

import pytest

from skmaxent import export


@pytest.mark.parametrize("function, package", [("register_onnx", "skl2onnx"), ("register_eli5", "eli5")])
def test_a_missing_package_is_named(function, package, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=f"{function} needs {package}.*pip install"):
        getattr(export, function)()
