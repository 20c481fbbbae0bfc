"""A plan as batches: nothing is lost, torn apart or too large for ZooKeeper."""

from hypothesis import given
from hypothesis import strategies as st

from dubbo_registrar.model import Mark, ObjectKey, Owner
from dubbo_registrar.plan import Create, Delete, Plan, Rewrite
from dubbo_registrar.registry.mark import encode
from dubbo_registrar.registry.transaction import Operation, Verb, batches, growing, shrinking

MARK = Mark(Owner("cluster", "install"), ObjectKey("shop", "cart"), "service-uid", "pod-uid")
OPERATIONS = st.builds(Operation, st.sampled_from(Verb), st.integers(1, 60_000).map("n".__mul__))
LISTS = st.lists(OPERATIONS, max_size=400)


@given(LISTS)
def test_batches_keep_everything(operations: list[Operation]) -> None:
    """The batches, one after the other, are the operations, one after the other."""
    cut = batches("/dubbo/a/providers", operations)

    assert [operation for batch in cut for operation in batch] == operations


@given(LISTS)
def test_batches_are_bounded(operations: list[Operation]) -> None:
    """A batch has at most 100 operations and 256 KiB of names."""
    for batch in batches("/dubbo/a/providers", operations):
        assert 0 < len(batch) <= 100
        assert sum(len(operation.name) for operation in batch) <= 256 * 1024


@given(st.integers(0, 300))
def test_batches_are_full(count: int) -> None:
    """No more batches than needed are made."""
    operations = [Operation(Verb.DELETE, f"node-{index}") for index in range(count)]

    assert len(list(batches("/dubbo/a/providers", operations))) == -(-count // 100)


def test_operations_of_a_plan() -> None:
    """Every step of a plan becomes an operation; what adds providers is apart from what takes them away."""
    plan = Plan(
        creates=(Create("new", MARK),),
        rewrites=(Rewrite("kept", MARK),),
        deletes=(Delete("gone"),),
    )

    assert growing(plan) == [
        Operation(Verb.CREATE, "new", encode(MARK)),
        Operation(Verb.REWRITE, "kept", encode(MARK)),
    ]
    assert shrinking(plan) == [Operation(Verb.DELETE, "gone")]
