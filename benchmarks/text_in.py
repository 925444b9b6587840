"""From raw texts to a fitted model: ways of vectorising 20 Newsgroups, and what each costs beside the fit.

    python benchmarks/text_in.py                          three runs of each (about 5 minutes on two cores)
    python benchmarks/text_in.py --runs 1 --texts 3000    a try on some of the texts, nothing is written

Ways, all with `sublinear_tf=True`, and in float32 unless said:

    tfidf64           TfidfVectorizer as it is, float64
    tfidf             TfidfVectorizer(dtype=np.float32)
    hashed            HashingVectorizer, 2**20 columns, TfidfTransformer
    hashed18          the same with 2**18 columns, a quarter of the weights
    hashed-parallel   `hashed`, chunks of the texts in two processes of joblib
    counted-parallel  CountVectorizer on chunks in two processes, vocabularies merged: the matrix of `tfidf`

Each run is a process of its own, runs alternate between the ways, and the run of median total stands for all,
with the fastest and the slowest total. `vectorize_s` is the first call in a process, with the start of
joblib's workers; `again_s` the same call once more. `fit_s` is MaxEntClassifier's whole fit, certified to
1e-6, both with the parameters that they have by default; in the row `tfidf64`, LogisticRegression it is
scikit-learn's (lbfgs, its own tol of 1e-4, max_iter=1000) on the same matrix. `share_of_vectorizer` is the
vectorizer's part of the total. Accuracy is that on the test part (by date, headers kept). Memory: by how much
the resident set of the process grows to its peak, and in `workers_MB` the sum of the resident peaks of its
children, imports and all.
"""

import argparse
import csv
import ctypes
import gc
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from _machine import describe_machine, peak_memory
from joblib import Parallel, delayed
from scipy import sparse
from sklearn.feature_extraction.text import (
    CountVectorizer,
    HashingVectorizer,
    TfidfTransformer,
    TfidfVectorizer,
)
from sklearn.linear_model import LogisticRegression

from skmaxent import MaxEntClassifier, datasets

OUTPUT = Path(__file__).resolve().parent.parent / "docs" / "benchmarks" / "text_in.csv"
MODELS = {"MaxEntClassifier": MaxEntClassifier(), "LogisticRegression": LogisticRegression(max_iter=1000)}
FIELDS = (
    "way", "model", "processes", "dtype", "rows", "columns", "nonzeros", "vectorize_s", "again_s", "fit_s",
    "total_s", "fastest_total_s", "slowest_total_s", "share_of_vectorizer", "accuracy", "X_MB",
    "vectorize_grows_MB", "workers_MB", "fit_grows_MB", "runs",
)  # fmt: skip


def hashed_in_parallel(hasher, texts, n_jobs=2, chunk=1000):
    """What ``hasher.transform(texts)`` gives, from several processes."""
    parts = [texts[start : start + chunk] for start in range(0, len(texts), chunk)]
    found = Parallel(n_jobs=n_jobs)(delayed(hasher.transform)(part) for part in parts)
    return sparse.vstack(found, format="csr")


def count(vectorizer, texts):
    """Terms of some texts in the order of their columns, and the counts."""
    X = vectorizer.fit_transform(texts)
    return vectorizer.get_feature_names_out(), X


def counted_in_parallel(vectorizer, texts, n_jobs=2, chunk=1000):
    """`CountVectorizer.fit_transform` in several processes: counts, and a vectorizer that has the vocabulary.

    Thresholds such as `min_df` are those of a chunk: apply them to the counts instead.
    """
    parts = [texts[start : start + chunk] for start in range(0, len(texts), chunk)]
    found = Parallel(n_jobs=n_jobs)(delayed(count)(vectorizer, part) for part in parts)
    terms = sorted(set().union(*(terms for terms, _ in found)))
    vocabulary = {term: column for column, term in enumerate(terms)}
    moved = []
    for terms, X in found:
        columns = np.array([vocabulary[term] for term in terms], X.indices.dtype)
        shape = X.shape[0], len(vocabulary)
        moved.append(sparse.csr_matrix((X.data, columns[X.indices], X.indptr), shape=shape))
    known = CountVectorizer(**{**vectorizer.get_params(), "vocabulary": vocabulary})
    return sparse.vstack(moved, format="csr"), known


def tfidf(texts, dtype):
    """Matrix of the texts, and a function for others."""
    vectorizer = TfidfVectorizer(sublinear_tf=True, dtype=dtype)
    return vectorizer.fit_transform(texts), vectorizer.transform


def hashed(texts, n_features, n_jobs):
    """Matrix of the texts, and a function for others."""
    hasher = HashingVectorizer(n_features=n_features, alternate_sign=False, norm=None, dtype=np.float32)
    weigh = TfidfTransformer(sublinear_tf=True)
    X = hasher.transform(texts) if n_jobs == 1 else hashed_in_parallel(hasher, texts, n_jobs)
    return weigh.fit_transform(X), lambda others: weigh.transform(hasher.transform(others))


def counted(texts, n_jobs):
    """Matrix of the texts, and a function for others."""
    X, vectorizer = counted_in_parallel(CountVectorizer(dtype=np.float32), texts, n_jobs)
    weigh = TfidfTransformer(sublinear_tf=True)
    return weigh.fit_transform(X), lambda others: weigh.transform(vectorizer.transform(others))


# Name -> (function of the texts, processes).
WAYS = {
    "tfidf64": (lambda texts: tfidf(texts, np.float64), 1),
    "tfidf": (lambda texts: tfidf(texts, np.float32), 1),
    "hashed": (lambda texts: hashed(texts, 2**20, 1), 1),
    "hashed18": (lambda texts: hashed(texts, 2**18, 1), 1),
    "hashed-parallel": (lambda texts: hashed(texts, 2**20, 2), 2),
    "counted-parallel": (lambda texts: counted(texts, 2), 2),
}
RUNS = [(way, "MaxEntClassifier") for way in WAYS] + [("tfidf64", "LogisticRegression")]


def peak_of_children():
    """Sum of the resident peaks of the children of this process, in bytes (Linux)."""
    total = 0
    for listed in Path("/proc/self/task").glob("*/children"):
        for child in listed.read_text().split():
            status = Path(f"/proc/{child}/status").read_text().splitlines()
            total += sum(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
    return total


def timed(function):
    """What a function returns, its seconds, and by how much the memory of the process grows."""
    found = []
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # what was freed before would be used again, and so not be counted

    def run():
        start = time.perf_counter()
        result = function()
        found.extend((result, time.perf_counter() - start))

    grown = peak_memory(run)
    return *found, grown


def measure(way, name, n_texts):
    """One run, in this process, as a dict."""
    train = datasets.load_newsgroups(subset="train")
    step = len(train.data) // (n_texts or len(train.data))
    texts, y = train.data[::step], np.asarray(train.target)[::step]
    vectorize, processes = WAYS[way]
    (X, transform), seconds, grown = timed(lambda: vectorize(texts))
    workers = peak_of_children() if processes > 1 else 0
    model, fit_seconds, fit_grown = timed(lambda: MODELS[name].fit(X, y))
    again = timed(lambda: vectorize(texts))[1]
    test = datasets.load_newsgroups(subset="test")
    total = seconds + fit_seconds
    return {
        "way": way, "model": name, "processes": processes, "dtype": str(X.dtype), "rows": X.shape[0],
        "columns": X.shape[1], "nonzeros": X.nnz, "vectorize_s": seconds, "again_s": again,
        "fit_s": fit_seconds, "total_s": total, "share_of_vectorizer": seconds / total,
        "accuracy": model.score(transform(test.data), test.target),
        "X_MB": sum(part.nbytes for part in (X.data, X.indices, X.indptr)) / 1e6,
        "vectorize_grows_MB": grown / 1e6, "workers_MB": workers / 1e6, "fit_grows_MB": fit_grown / 1e6,
    }  # fmt: skip


def median_run(found):
    """The run of median total, with the range of the totals."""
    ordered = sorted(found, key=lambda run: run["total_s"])
    extremes = {"fastest_total_s": ordered[0]["total_s"], "slowest_total_s": ordered[-1]["total_s"]}
    return {**ordered[len(ordered) // 2], **extremes, "runs": len(ordered)}


def shown(field, value):
    """A cell of the CSV."""
    if not isinstance(value, float):
        return value
    digits = ".0f" if field.endswith("MB") else ".4f" if field == "accuracy" else ".3g"
    return f"{value:{digits}}"


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=3, help="of each row")
    parser.add_argument("--texts", type=int, help="about so many, and nothing is written")
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(*options.measure, options.texts)))
        return
    found = {run: [] for run in RUNS}
    for _ in range(options.runs):
        for run, results in found.items():
            command = [sys.executable, __file__, "--measure", *run]
            command += ["--texts", str(options.texts)] if options.texts else []
            printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            results.append(json.loads(printed.strip().splitlines()[-1]))
            print({field: shown(field, value) for field, value in results[-1].items()}, flush=True)
    if options.texts:
        return
    with OUTPUT.open("w", newline="", encoding="utf-8") as file:
        file.write(f"# {describe_machine()}; the run of median total of each row\n")
        table = csv.DictWriter(file, FIELDS, lineterminator="\n")
        table.writeheader()
        for results in found.values():
            run = median_run(results)
            table.writerow({field: shown(field, run[field]) for field in FIELDS})


if __name__ == "__main__":
    main()
