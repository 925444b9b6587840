"""Which worker holds which partitions; sums that do not depend on it."""

from hypothesis import given
from hypothesis import strategies as st

from skmaxent.distributed.placement import add_up, assign, whole_subtrees

CAPACITIES = st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 4), min_size=1)


@given(CAPACITIES, st.integers(1, 40))
def test_every_partition_has_one_worker_and_shares_follow_the_threads(capacity, n):
    assigned = assign({}, n, capacity)
    assert sorted(number for numbers in assigned.values() for number in numbers) == list(range(n))
    total = sum(capacity.values())
    for worker, numbers in assigned.items():
        assert numbers == list(range(numbers[0], numbers[-1] + 1))  # whole runs
        assert abs(len(numbers) - n * capacity[worker] / total) < 1


@given(CAPACITIES, CAPACITIES, st.integers(1, 40))
def test_a_change_of_workers_moves_no_more_than_it_must(before, after, n):
    held = {worker: numbers for worker, numbers in assign({}, n, before).items() if worker in after}
    assigned = assign(held, n, after)
    assert sorted(number for numbers in assigned.values() for number in numbers) == list(range(n))
    fresh = assign({}, n, after)
    for worker in after:
        had, has = held.get(worker, []), assigned.get(worker, [])
        assert len(has) == len(fresh.get(worker, []))
        assert set(has) <= set(had) or set(had) <= set(has)


@given(st.data(), st.integers(1, 30))
def test_sums_have_the_same_bits_whoever_holds_the_partitions(data, n):
    values = [0.1 * (3 * number % 7) + 1e-9 * number for number in range(n)]
    owners = data.draw(st.lists(st.integers(0, 3), min_size=n, max_size=n))

    def add(one, other):
        return one + other

    def leaf(start, stop):
        return values[start] if stop - start == 1 else None

    parts = {}
    for worker in range(4):
        numbers = [number for number in range(n) if owners[number] == worker]
        for edges in whole_subtrees(numbers, n):
            parts[edges] = add_up(*edges, leaf, add)
    assert add_up(0, n, lambda *edges: parts.get(edges), add) == add_up(0, n, leaf, add)


def test_a_worker_with_a_run_of_partitions_answers_with_few_sums():
    assert whole_subtrees(range(64), 64) == [(0, 64)]
    assert len(whole_subtrees(range(32), 64)) == 1
    assert len(whole_subtrees(range(5, 50), 64)) <= 10
