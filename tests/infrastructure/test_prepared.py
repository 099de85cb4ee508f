"""Rows by prepared statements are the rows of the ORM."""

from decimal import Decimal

import pytest
from django.forms.models import model_to_dict
from pytest_django import Settings

from apps.infrastructure.prepared import insert_row, load_rows, update_row
from apps.market.models import Instrument
from apps.trading.models import Order, Replacement
from apps.trading.models.replacement import written
from tests.market.factories import make_instrument
from tests.trading.factories import make_market, make_portfolio, place_order

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_gates(settings: Settings) -> None:
    settings.PRE_TRADE_CHECKS = []


def test_rows_loaded_inserted_and_updated_are_those_of_the_orm() -> None:
    make_market()
    order = place_order(make_portfolio(cash="1000"))
    replacement = Replacement(
        order=order,
        portfolio=order.portfolio,
        client_order_id="again",
        before=written(order.terms),
        after={"quantity": "2"},
        worst_price=Decimal(100),
        terms_digest="digest",
    )
    insert_row(replacement)

    [loaded] = load_rows(Replacement, "WHERE order_id = %s", [order.id])
    assert model_to_dict(loaded) == model_to_dict(Replacement.objects.get())
    assert loaded.after == {"quantity": "2"}
    loaded.after = {"quantity": "3"}
    update_row(loaded, "after")
    assert Replacement.objects.get().after == {"quantity": "3"}

    [again] = load_rows(Order, "WHERE id = %s", [order.id])
    assert model_to_dict(again) == model_to_dict(Order.objects.get())


def test_rows_that_are_not_there_are_none() -> None:
    instrument = make_instrument("AAPL")
    [loaded] = load_rows(Instrument, "WHERE symbol = %s", ["AAPL"])
    assert loaded == instrument
    assert load_rows(Instrument, "WHERE symbol = %s", ["NONE"]) == []
