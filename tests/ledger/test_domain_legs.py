from decimal import Decimal
from uuid import UUID

import pytest

from apps.core.errors import InvalidInput
from apps.ledger.domain.legs import MAX_LEGS, AccountKind, Leg, digest, net

OWNER = UUID(int=1)
CASH, FIRM = AccountKind.CASH, AccountKind.CLIENT_MONEY


@pytest.mark.parametrize(
    ("asset", "amount"),
    [
        ("USD", "0"),
        ("USD", "0.001"),
        ("JPY", "0.5"),
        ("AAPL", "0.000000001"),
        ("USD", "NaN"),
        ("USD", "Infinity"),
        ("USD", "1E30"),
        ("usd", "1"),
        ("", "1"),
    ],
)
def test_leg_with_a_value_that_no_account_holds_is_refused(asset: str, amount: str) -> None:
    with pytest.raises(InvalidInput):
        Leg(OWNER, CASH, asset, Decimal(amount))


def test_leg_with_a_float_is_refused() -> None:
    with pytest.raises(InvalidInput):
        Leg(OWNER, CASH, "USD", 1.5)  # type: ignore[arg-type]


def test_net_of_legs_that_do_not_sum_to_zero_names_the_asset() -> None:
    with pytest.raises(InvalidInput, match="USD sum to 1"):
        net([Leg(OWNER, CASH, "USD", Decimal(3)), Leg(None, FIRM, "USD", Decimal(-2))])


def test_net_of_legs_that_cancel_out_is_refused() -> None:
    legs = [Leg(OWNER, CASH, "USD", Decimal(1)), Leg(OWNER, CASH, "USD", Decimal(-1))]
    with pytest.raises(InvalidInput, match="moves nothing"):
        net(legs)
    with pytest.raises(InvalidInput, match="moves nothing"):
        net([])


def test_net_of_too_many_legs_is_refused() -> None:
    with pytest.raises(InvalidInput, match="at most"):
        net([Leg(OWNER, CASH, "USD", Decimal(1))] * (MAX_LEGS + 1))


def test_net_orders_clients_before_the_firm() -> None:
    legs = [
        Leg(None, AccountKind.CASH, "USD", Decimal(1)),
        Leg(UUID(int=2), CASH, "USD", Decimal(1)),
        Leg(OWNER, CASH, "USD", Decimal(-2)),
    ]
    assert [key.owner_id for key in net(legs)] == [OWNER, UUID(int=2), None]


def test_digest_of_equal_amounts_written_differently_is_the_same() -> None:
    def of(text: str) -> str:
        amount = Decimal(text)
        return digest("X", net([Leg(OWNER, CASH, "USD", amount), Leg(None, FIRM, "USD", -amount)]))

    assert of("1E+2") == of("100.00") != of("100.01")
