"""Which worker holds which partitions, and in what order their results are added up.

Sums follow one binary tree over the numbers of the partitions, whoever holds them: a worker adds up the
largest subtrees that it holds whole, the client the rest. So the bits of a sum do not depend on the
placement, and a worker with a run of partitions answers with few arrays.
"""

from itertools import accumulate


def assign(held, n_partitions, capacity):
    """The partitions of each worker, with as few moved as an even share allows.

    Parameters
    ----------
    held : dict of list of int
        By worker, what it holds already; workers that are gone are not in it.
    n_partitions : int
    capacity : dict of int
        By worker, its number of threads: of what its share is a multiple.

    Returns
    -------
    assigned : dict of list of int
        By worker, in order; workers without a partition are not in it.
    """
    quotas = _quotas(capacity, n_partitions)
    assigned = {worker: sorted(held.get(worker, ())) for worker in capacity}
    known = {number for numbers in assigned.values() for number in numbers}
    free = [number for number in range(n_partitions) if number not in known]
    for worker, numbers in assigned.items():  # whole runs, in order
        room = max(quotas[worker] - len(numbers), 0)
        numbers += free[:room]
        free = free[room:]
    for worker, numbers in assigned.items():
        while len(numbers) < quotas[worker]:
            giver = max(assigned, key=lambda other: len(assigned[other]) - quotas[other])
            numbers.append(assigned[giver].pop())
    return {worker: sorted(numbers) for worker, numbers in assigned.items() if numbers}


def _quotas(capacity, n_partitions):
    """Whole numbers in proportion to the capacities that sum to `n_partitions`."""
    total = sum(capacity.values())
    edges = [0, *(n_partitions * part // total for part in accumulate(capacity.values()))]
    return {worker: edges[i + 1] - edges[i] for i, worker in enumerate(capacity)}


def whole_subtrees(numbers, n_partitions):
    """The largest subtrees, as ranges (start, stop), all of whose partitions are among the given ones."""
    mine, found = set(numbers), []

    def visit(start, stop):
        inside = sum(number in mine for number in range(start, stop))
        if inside == stop - start:
            found.append((start, stop))
        elif inside:
            middle = (start + stop) // 2
            visit(start, middle)
            visit(middle, stop)

    visit(0, n_partitions)
    return found


def add_up(start, stop, known, add):
    """The sum over a subtree.

    Parameters
    ----------
    start, stop : int
    known : callable
        ``known(start, stop)`` is the sum over a subtree where it can be had, otherwise None.
    add : callable
        ``add(left, right)`` adds two sums.
    """
    found = known(start, stop)
    if found is not None:
        return found
    middle = (start + stop) // 2
    return add(add_up(start, middle, known, add), add_up(middle, stop, known, add))
