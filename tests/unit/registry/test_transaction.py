"""A plan as batches: nothing is lost, torn apart or too large for ZooKeeper."""

from hypothesis import given
from hypothesis import strategies as st

from dubbo_registrar.model import Mark, ObjectKey, Owner
from dubbo_registrar.plan import Create, Delete, Plan, Replace, Rewrite
from dubbo_registrar.registry.mark import encode
from dubbo_registrar.registry.transaction import Operation, Verb, batches, growing, shrinking

MARK = Mark(Owner("cluster", "install"), ObjectKey("shop", "cart"), "service-uid", "pod-uid")
OPERATIONS = st.builds(Operation, st.sampled_from(Verb), st.integers(1, 60_000).map("n".__mul__))
STEPS = st.lists(st.lists(OPERATIONS, min_size=1, max_size=2).map(tuple), max_size=400)


@given(STEPS)
def test_batches_keep_everything(steps: list[tuple[Operation, ...]]) -> None:
    """The batches, one after the other, are the steps, one after the other, and no step is cut."""
    cut = list(batches("/dubbo/a/providers", steps))

    assert [operation for batch in cut for operation in batch] == [operation for step in steps for operation in step]
    ends = {sum(map(len, steps[:count])) for count in range(len(steps) + 1)}
    assert all(sum(map(len, cut[:count])) in ends for count in range(len(cut) + 1))


@given(STEPS)
def test_batches_are_bounded(steps: list[tuple[Operation, ...]]) -> None:
    """A batch has at most 100 operations and 256 KiB of names."""
    for batch in batches("/dubbo/a/providers", steps):
        assert 0 < len(batch) <= 100
        assert sum(len(operation.name) for operation in batch) <= 256 * 1024


@given(st.integers(0, 300))
def test_batches_are_full(count: int) -> None:
    """No more batches than needed are made."""
    steps = [(Operation(Verb.DELETE, f"node-{index}"),) for index in range(count)]

    assert len(list(batches("/dubbo/a/providers", steps))) == -(-count // 100)


def test_steps_of_a_plan() -> None:
    """Everything in a plan becomes a step; the two operations of a replace are one, delete first."""
    plan = Plan(
        creates=(Create("new", MARK),),
        replaces=(Replace("old", "changed", MARK),),
        rewrites=(Rewrite("kept", MARK),),
        deletes=(Delete("gone"),),
    )

    assert growing(plan) == [
        (Operation(Verb.CREATE, "new", encode(MARK)),),
        (Operation(Verb.DELETE, "old"), Operation(Verb.CREATE, "changed", encode(MARK))),
        (Operation(Verb.REWRITE, "kept", encode(MARK)),),
    ]
    assert shrinking(plan) == [(Operation(Verb.DELETE, "gone"),)]
