"""The scripts of the guide run."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import skmaxent

GUIDE = Path(skmaxent.__file__).parents[1] / "docs" / "travel.md"


def test_the_lines_of_the_guide(tmp_path):
    for package in ("skl2onnx", "onnxruntime", "skops"):
        if subprocess.run([sys.executable, "-c", f"import {package}"], capture_output=True).returncode:
            pytest.skip(f"{package} is not installed")
    if not GUIDE.exists():
        pytest.skip("the tests run without a checkout")
    blocks = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.S)
    check = (
        'expected = model.predict_proba(["a very good film"])\n'
        'assert names == ["praise"] and abs(probabilities - expected).max() < 1e-6\n'
        "assert (again.predict_proba(texts) == model.predict_proba(texts)).all()\nprint('same')"
    )
    program = "\n".join([f"import sys; sys.path.insert(0, {str(GUIDE.parents[1])!r})", *blocks, check])
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "same"
