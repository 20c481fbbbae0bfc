"""The values of the core: label selectors as Kubernetes reads them, and what providers claim."""

import pytest

from dubbo_registrar.model import ObjectKey, Requirement, Selector, SelectorOperator
from tests.unit.objects import providers

ONE_OF = frozenset({"cart", "stock"})


@pytest.mark.parametrize(
    ("operator", "cart", "bank", "absent"),
    [
        (SelectorOperator.IN, True, False, False),
        (SelectorOperator.NOT_IN, False, True, True),
        (SelectorOperator.EXISTS, True, True, False),
        (SelectorOperator.DOES_NOT_EXIST, False, False, True),
    ],
)
def test_requirements_are_read_as_kubernetes_reads_them(
    operator: SelectorOperator, *, cart: bool, bank: bool, absent: bool
) -> None:
    """Each operator for a value that is named, one that is not, and no label at all: an absent key meets `NotIn`."""
    requirement = Requirement("app", operator, ONE_OF)
    labels: list[dict[str, str]] = [{"app": "cart"}, {"app": "bank"}, {"other": "cart"}]
    assert [requirement.matches(each) for each in labels] == [cart, bank, absent]


def test_all_requirements_must_be_met() -> None:
    """A selector matches the labels that meet every one of its requirements."""
    selector = Selector(
        (
            Requirement("app", SelectorOperator.IN, ONE_OF),
            Requirement("canary", SelectorOperator.DOES_NOT_EXIST),
        )
    )
    assert selector.matches({"app": "cart", "tier": "1"})
    assert not selector.matches({"app": "cart", "canary": ""})
    assert not selector.matches({})


def test_a_claim_leaves_out_what_others_may_share() -> None:
    """Providers at one address differ in name when a parameter differs, not in what they claim."""
    (one,), (other,) = providers(1, weight=100).values(), providers(1, weight=50).values()
    assert one.name != other.name
    assert one.claim == other.claim


def test_a_key_is_shown_as_users_write_it() -> None:
    """Namespace and name with a slash between."""
    assert str(ObjectKey("shop", "cart")) == "shop/cart"
