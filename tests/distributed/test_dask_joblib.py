"""Searches under joblib's dask backend, and what works without dask."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, cross_val_score

import skmaxent
import skmaxent.distributed
from skmaxent import MaxEntClassifier, MaxEntClassifierCV
from skmaxent.estimators import maxent_cv

X, Y = (part[:200] for part in load_digits(return_X_y=True))
X = X / 16


@pytest.mark.usefixtures("alarm")
def test_searches_have_the_same_scores_under_the_dask_backend(client):
    def scores():
        search = GridSearchCV(MaxEntClassifier(), {"C": [0.1, 1.0]}, cv=3).fit(X, Y)
        return search.cv_results_["mean_test_score"], cross_val_score(MaxEntClassifier(), X, Y, cv=3)

    here = scores()
    with joblib.parallel_config("dask", scatter=[X, Y]):
        there = scores()
    for one, other in zip(here, there):
        assert np.array_equal(one, other)


@pytest.mark.usefixtures("alarm")
def test_a_path_under_the_dask_backend_stays_in_threads_that_share_the_data(client, monkeypatch):
    names, score_path = [], maxent_cv.score_path

    def noted(*args):
        names.append(threading.current_thread().name)
        return score_path(*args)

    parameters = {"Cs": [0.1, 1.0], "cv": 3, "n_jobs": 2}
    here = MaxEntClassifierCV(**parameters).fit(X, Y)
    monkeypatch.setattr(maxent_cv, "score_path", noted)
    with joblib.parallel_config("dask"):
        there = MaxEntClassifierCV(**parameters).fit(X, Y)
    assert len(names) == 3 and not any("Dask" in name for name in names)
    assert np.array_equal(here.scores_, there.scores_)


def test_partitions_in_files_need_no_dask():
    source = "import sys, skmaxent.distributed as d; d.write_partitions; print(*sys.modules)"
    root = str(Path(skmaxent.__file__).parents[1])
    path = os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])
    printed = subprocess.run(
        [sys.executable, "-c", source], env={**os.environ, "PYTHONPATH": path}, capture_output=True,
        text=True, check=True,
    ).stdout  # fmt: skip
    assert not {"dask", "distributed"} & set(printed.split())


def test_without_dask_the_error_names_the_extra(monkeypatch):
    monkeypatch.delitem(vars(skmaxent.distributed), "DaskMaxEntClassifier", raising=False)
    monkeypatch.setattr(skmaxent.distributed, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"pip install 'skmaxent\[dask\]'"):
        skmaxent.distributed.DaskMaxEntClassifier  # noqa: B018
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        skmaxent.distributed.Nothing  # noqa: B018
    assert "DaskMaxEntClassifier" in dir(skmaxent.distributed)
