"""Back ends: who runs the programs on the blocks.

A back end has `n_columns`, `n_outputs`, `workers` (the threads of the client's own vectors) and
``run(program) -> list``: the results of the program, of all blocks together, added in their order. It may
have ``learn(steps, epochs, seed)``: epochs of `AdaGrad`, as a start where there are many rows.
"""

import numpy as np

from .programs import Merge


class BlockBackend:
    """Blocks in this process, several at a time in threads.

    Parameters
    ----------
    blocks : list of Block
    n_columns, n_outputs : int
    workers : Workers
    """

    def __init__(self, blocks, n_columns, n_outputs, workers):
        self._blocks, self.n_columns, self.n_outputs, self.workers = blocks, n_columns, n_outputs, workers

    def learn(self, steps, epochs, seed):
        """Epochs over all blocks, in random order, and over the rows of each."""
        rng = np.random.default_rng(seed)
        for _ in range(epochs):
            for number in rng.permutation(len(self._blocks)):
                self._blocks[number].learn(steps, rng, self.workers)

    def run(self, program):
        """The results of the steps that have one, of all blocks together."""
        merge = Merge(program)
        at_once = self.workers.count_threads()
        for start in range(0, len(self._blocks), at_once):
            some = self._blocks[start : start + at_once]
            for reply in self.workers.map(lambda block: block.run(program), some):
                merge.add(reply)
        return merge.result()
