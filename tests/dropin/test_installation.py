"""install(), uninstall() and ``python -m skmaxent.dropin``."""

import os
import subprocess
import sys
from pathlib import Path

import sklearn.calibration
import sklearn.linear_model
import sklearn.neural_network

import skmaxent
from skmaxent import dropin


def test_install_and_uninstall():
    before = sklearn.linear_model.LogisticRegression
    with dropin.install():
        from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
        from sklearn.neural_network import MLPClassifier

        assert LogisticRegression is dropin.LogisticRegression
        assert LogisticRegressionCV is dropin.LogisticRegressionCV
        assert MLPClassifier is dropin.MLPClassifier
        dropin.install()  # twice is once
        model = LogisticRegression().fit([[0.0], [1.0], [2.0]], [0, 1, 1])
        assert model.fit_engine_ == "skmaxent"
    assert sklearn.linear_model.LogisticRegression is before
    assert not issubclass(sklearn.neural_network.MLPClassifier, dropin.MLPClassifier)


def run(tmp_path, script, *arguments):
    (tmp_path / "helper.py").write_text("WHERE = __file__\n")
    file = tmp_path / "script.py"
    file.write_text(script)
    path = os.pathsep.join([str(Path(skmaxent.__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-m", "skmaxent.dropin", str(file), *arguments]
    return subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True)


def test_an_unchanged_script(tmp_path):
    script = (
        "import sys, helper, __main__\n"
        "from sklearn.linear_model import LogisticRegression\n"
        "assert __name__ == '__main__' and __main__.LogisticRegression is LogisticRegression\n"
        "model = LogisticRegression().fit([[0.], [1.], [2.]], [0, 1, 1])\n"
        "print(*sys.argv[1:], model.fit_engine_, __file__ == sys.argv[0])\n"
        "LogisticRegression(solver='liblinear').fit([[0.], [1.], [2.]], [0, 1, 1])\n"
    )
    done = run(tmp_path, script, "-a", "b")
    assert done.stdout == "-a b skmaxent True\n" and done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stderr.splitlines()]
    assert ["LogisticRegression", "scikit-learn", "1", "fits"] in [line[:4] for line in lines]
    assert ["LogisticRegression", "skmaxent", "1", "fits"] in [line[:4] for line in lines]


def test_errors_and_exit_codes_are_the_scripts(tmp_path):
    failed = run(tmp_path, "def f():\n    raise KeyError('x')\nf()\n")
    assert failed.returncode == 1 and "KeyError: 'x'" in failed.stderr
    assert "__main__.py" not in failed.stderr and "no fits" in failed.stderr
    assert run(tmp_path, "raise SystemExit(3)").returncode == 3


def test_usage():
    command = [sys.executable, "-m", "skmaxent.dropin"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(skmaxent.__file__).parents[1])
    assert done.returncode == 2 and "usage" in done.stderr
