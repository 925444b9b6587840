"""LogisticRegression of Spark MLlib on the rows of a file: what benchmarks/dask_cluster.py runs for Spark.

    python _spark_logistic.py DATA.npz WEIGHTS.npz MAX_ITER

Prints a line of JSON with the seconds of `fit` on cached rows, the CPU seconds of the Java process in that
time, and the iterations. The objective is that of C = 1: Spark's is the mean loss plus regParam / 2 times
the squared norm, so that regParam = 1 / n; standardization off, since with it the penalty is another. The
rows are made from flat arrays in a file in each partition, so that the Python side does not count.
"""

import json
import sys
import time
from itertools import pairwise
from pathlib import Path

import numpy as np

N_PARTITIONS = 4


def vectors(path, start, stop):
    """Labels and sparse vectors of some rows."""
    from pyspark.ml.linalg import SparseVector

    with np.load(path) as stored:
        indptr, indices, data = stored["indptr"], stored["indices"], stored["data"]
        y, width = stored["y"], int(stored["shape"][1])
    for row in range(start, stop):
        entries = slice(indptr[row], indptr[row + 1])
        yield float(y[row]), SparseVector(width, indices[entries], data[entries])


def java_cpu(process):
    """CPU seconds of a process so far (Linux)."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def main(path, weights, max_iter):
    from pyspark.ml.classification import LogisticRegression
    from pyspark.sql import SparkSession

    with np.load(path) as stored:
        n = len(stored["y"])
    session = (
        SparkSession.builder.master("local[2]")
        .config("spark.driver.memory", "6g")
        .config("spark.driver.maxResultSize", "0")
        .config("spark.ui.enabled", "false")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    edges = np.linspace(0, n, N_PARTITIONS + 1).astype(int).tolist()
    cuts = session.sparkContext.parallelize(list(pairwise(edges)), N_PARTITIONS)
    rows = cuts.flatMap(lambda cut: vectors(path, *cut)).toDF(["label", "features"]).cache()
    rows.count()
    java = session.sparkContext._jvm.java.lang.ProcessHandle.current().pid()
    estimator = LogisticRegression(
        family="multinomial", regParam=1 / n, standardization=False, maxIter=max_iter, tol=1e-12
    )
    begun, used = time.perf_counter(), java_cpu(java)
    model = estimator.fit(rows)
    seconds, used = time.perf_counter() - begun, java_cpu(java) - used
    np.savez(weights, coef=model.coefficientMatrix.toArray(), intercept=model.interceptVector.toArray())
    print(json.dumps({"seconds": seconds, "cpu": used, "iterations": model.summary.totalIterations}))
    session.stop()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
