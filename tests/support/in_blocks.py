"""Problems cut into blocks of the row machine, and a back end that counts what goes back and forth."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
from scipy import sparse

from skmaxent.convex.machine.backends import BlockBackend
from skmaxent.convex.machine.block import Block
from skmaxent.convex.machine.parts import Labelling, Part, Survey
from skmaxent.convex.machine.programs import RESULTS, reads_data, weights_bytes


def parts_of(X, y, edges, sample_weight=None):
    """Parts of the rows between the edges; y are labels (n,) or masses (n, K)."""
    parts = []
    for number, (start, stop) in enumerate(pairwise(edges)):
        rows = slice(start, stop)
        weights = None if sample_weight is None else sample_weight[rows]
        if y.ndim == 2:
            codes, classes, masses = None, np.arange(y.shape[1]), y[rows]
        else:
            classes, codes = np.unique(y[rows], return_inverse=True)
            masses = None
        name = f"partition {number}"
        block = sparse.csr_array(X[rows]) if sparse.issparse(X) else X[rows]
        parts.append(Part.of(block, codes, classes, masses, weights, name))
    return parts


class CountingBackend(BlockBackend):
    """Counts programs, passes over the data, and bytes of arrays like the weights, by the last operation."""

    def __init__(self, *args):
        super().__init__(*args)
        self.programs = []

    def run(self, program):
        results = super().run(program)
        up = sum(
            value.nbytes
            for (op, _, _), result in zip([s for s in program if s[0] in RESULTS], results)
            for kind, value in zip(RESULTS[op], result)
            if kind == "weights"
        )
        self.programs.append((program[-1][0], reads_data(program), weights_bytes(program), up))
        return results


def backend_of(parts, workers, class_factors=None, fit_intercept=True):
    """A counting back end of parts in memory, and their labelling."""
    survey = Survey.merged([Survey.of(part) for part in parts], [part.name for part in parts])
    labelling = Labelling.settled(survey, class_factors, fit_intercept)
    blocks = [Block(part, labelling) for part in parts]
    return CountingBackend(blocks, survey.n_columns, labelling.n_outputs, workers), labelling


def without_rows(part):
    """The part with no rows."""
    none = slice(0, 0)
    masses = None if part.masses is None else part.masses[none]
    codes = None if part.codes is None else part.codes[none]
    weights = None if part.sample_weight is None else part.sample_weight[none]
    classes = part.classes if codes is None else part.classes[none]
    X = part.X[none]
    return replace(part, X=X, codes=codes, classes=classes, masses=masses, sample_weight=weights)
