"""Are the proofs of accuracy true? Fits of random problems beside their true minima.

Each case is a random small problem (tests/support/certified_cases.py): scales of columns from 1e-5 to 1e5,
offsets to 1e6 standard deviations, in one case of ten a row of numbers up to 1e16, 2 to 5 classes, C from
1e-3 to infinity, free weights, both precisions, dense and sparse, every solver that has the prior. The model
that a fit returns is evaluated in extended precision on X as given, and compared with the minimum that
tests/support/certified_reference.py finds and proves by a dual point of its own. So is that of a ranker with
the classes of a row as its candidates: the same minimum, without centred columns.

Counted by model, solver asked for and prior:

- cases; claims: finite duality gaps; false_claims: the model is further from the minimum than its gap says
- false_converged: "converged", but the truth or the reported gap is above tol
- not_converged: another reason to stop; auto_missed: fits by "auto" in float64 that miss 1e-6, in truth or
  in proof, where float64 can have it
- separated: the infimum lies at infinity; false_separation: without a warning, or a warning without reason
- unproven: the reference itself could not prove its minimum

    python benchmarks/certificates.py          # 2,000 cases, writes docs/benchmarks/certificates.csv
    python benchmarks/certificates.py --cases 200 --first 5000 --show --output ""
"""

import argparse
import csv
import os
import sys
import time
import warnings
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]
os.environ["OPENBLAS_NUM_THREADS"] = "1"

from _machine import describe_machine  # noqa: E402
from certified_cases import judge, random_case, ranker_parameters  # noqa: E402

MODELS = "classifier", "ranker"
COLUMNS = [
    "cases", "claims", "false_claims", "false_converged", "not_converged", "auto_missed", "separated",
    "false_separation", "unproven",
]  # fmt: skip


def run(seed, model):
    """Counts of one case, what is wrong in words, and the seconds of its fit and its check."""
    case, begun = random_case(seed), time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            verdict = judge(case, model == "ranker")
        except Exception as error:  # counted, and the rest still runs
            return case, Counter(cases=1, errors=1), [repr(error)], time.perf_counter() - begun
    kinds = {kind for kind, _ in verdict.faults}
    truth, report = verdict.truth, verdict.report
    counts = Counter(
        cases=1,
        claims=int(verdict.claim < float("inf")),
        false_claims=int("claim" in kinds),
        false_converged=int("converged" in kinds),
        not_converged=int(report["stop_reason"] != "converged"),
        auto_missed=int("auto" in kinds),
        separated=int(truth.separated),
        false_separation=int("separation" in kinds),
        unproven=int(not truth.separated and not truth.proven),
        errors=int("error" in kinds),
    )
    return case, counts, [text for _, text in verdict.faults], time.perf_counter() - begun


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--show", action="store_true", help="print every case that is wrong, and slow ones")
    parser.add_argument("--output", default=str(ROOT / "docs/benchmarks/certificates.csv"))
    arguments = parser.parse_args()
    seeds = range(arguments.first, arguments.first + arguments.cases)
    table = {}
    with ProcessPoolExecutor(arguments.jobs) as pool:
        for model in MODELS:
            parts, whole = {}, Counter()
            for case, counts, texts, seconds in pool.map(run, seeds, repeat(model), chunksize=5):
                parameters = ranker_parameters(case) if model == "ranker" else case.parameters
                key = model, parameters["solver"], case.prior
                parts.setdefault(key, Counter()).update(counts)
                whole.update(counts)
                if arguments.show and (texts or seconds > 2):
                    print(f"{model}, {case}: {'; '.join(texts) or f'{seconds:.1f} s'}", flush=True)
            table |= {**dict(sorted(parts.items())), (model, "all", "all"): whole}
    columns = [*COLUMNS, "errors"] if any(counts["errors"] for counts in table.values()) else COLUMNS
    lines = [["model", "solver", "prior", *columns]]
    lines += [[*key, *(counts[name] for name in columns)] for key, counts in table.items()]
    widths = [max(len(str(line[i])) for line in lines) for i in range(len(lines[0]))]
    for line in lines:
        print("  ".join(str(entry).rjust(width) for entry, width in zip(line, widths)))
    if arguments.output:
        with open(arguments.output, "w", newline="", encoding="utf-8") as file:
            file.write(f"# {describe_machine()}; cases {seeds[0]} to {seeds[-1]}\n")
            csv.writer(file, lineterminator="\n").writerows(lines)


if __name__ == "__main__":
    main()
