"""The order ticket and the symbol search."""

from collections.abc import Collection
from decimal import Decimal
from typing import Any

from django import forms

from apps.core.domain.instruments import PRICE_PLACES, QUANTITY_PLACES
from apps.portal.domain.wording import ORDER_TYPES, TIMES_IN_FORCE
from apps.portal.forms.fields import AccessibleForm, ExactField
from apps.portal.forms.tokens import TOKEN_LENGTH
from apps.trading.domain.orders import LIMITED, STOP_GIVEN, OrderType, Side, TimeInForce

SIZED_BY = (("quantity", "Units"), ("notional", "Amount"))
SIDES = ((Side.BUY.value, "Buy"), (Side.SELL.value, "Sell"))
TYPES = tuple((kind.value, ORDER_TYPES[kind]) for kind in OrderType)
TIMES = tuple((time.value, TIMES_IN_FORCE[time]) for time in TimeInForce)


class TicketForm(AccessibleForm):
    """What the client wants to trade; `order()` gives the keyword arguments of the commands."""

    side = forms.ChoiceField(choices=SIDES, widget=forms.RadioSelect, initial=Side.BUY.value)
    order_type = forms.ChoiceField(label="Order type", choices=TYPES)
    sized_by = forms.ChoiceField(
        label="Size by", choices=SIZED_BY, widget=forms.RadioSelect, initial="quantity"
    )
    quantity = ExactField(label="Units", places=QUANTITY_PLACES, required=False)
    notional = ExactField(
        label="Amount",
        places=2,
        required=False,
        help_text="The units are worked out from the price.",
    )
    limit_price = ExactField(label="Limit price", places=PRICE_PLACES, required=False)
    stop_price = ExactField(label="Stop price", places=PRICE_PLACES, required=False)
    trail_percent = ExactField(label="Trail in percent", places=PRICE_PLACES, required=False)
    trail_amount = ExactField(label="or as an amount", places=PRICE_PLACES, required=False)
    time_in_force = forms.ChoiceField(label="Time in force", choices=TIMES)

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        self._need("quantity" if values.get("sized_by") == "quantity" else "notional")
        order_type = values.get("order_type")
        if order_type in LIMITED:
            self._need("limit_price")
        if order_type in STOP_GIVEN:
            self._need("stop_price")
        if order_type == OrderType.TRAILING_STOP and values.get("trail_amount") is None:
            self._need("trail_percent")
        return values

    def _need(self, name: str) -> None:
        if name not in self.errors and self.cleaned_data.get(name) is None:
            self.add_error(name, "This is needed for such an order.")

    def order(self) -> dict[str, Any]:
        """Return the order without the fields that its type and size do not use."""
        values = self.cleaned_data
        order_type = OrderType(values["order_type"])
        is_trailing = order_type is OrderType.TRAILING_STOP
        by_quantity = values["sized_by"] == "quantity"
        return {
            "side": Side(values["side"]),
            "order_type": order_type,
            "quantity": values["quantity"] if by_quantity else None,
            "notional": None if by_quantity else values["notional"],
            "limit_price": values["limit_price"] if order_type in LIMITED else None,
            "stop_price": values["stop_price"] if order_type in STOP_GIVEN else None,
            "trail_percent": values["trail_percent"] if is_trailing else None,
            "trail_amount": values["trail_amount"] if is_trailing else None,
            "time_in_force": TimeInForce(values["time_in_force"]),
        }


def pack(order: dict[str, Any]) -> dict[str, str | None]:
    """Return the order as JSON primitives, for the signed token of the review step."""
    return {name: None if value is None else str(value) for name, value in order.items()}


def unpack(packed: dict[str, str | None]) -> dict[str, Any]:
    """Undo `pack`."""

    def number(name: str) -> Decimal | None:
        text = packed[name]
        return None if text is None else Decimal(text)

    return {
        "side": Side(str(packed["side"])),
        "order_type": OrderType(str(packed["order_type"])),
        "quantity": number("quantity"),
        "notional": number("notional"),
        "limit_price": number("limit_price"),
        "stop_price": number("stop_price"),
        "trail_percent": number("trail_percent"),
        "trail_amount": number("trail_amount"),
        "time_in_force": TimeInForce(str(packed["time_in_force"])),
    }


def refill(order: dict[str, Any]) -> dict[str, str]:
    """Return the ticket's values that lead to this order, to correct it after a refusal."""
    values = {name: str(value) for name, value in order.items() if value is not None}
    return {**values, "sized_by": "notional" if order["notional"] is not None else "quantity"}


class ReplaceForm(AccessibleForm):
    """The terms of an order that may change, and the sealed key that makes two clicks one."""

    quantity = ExactField(label="Units in all", places=QUANTITY_PLACES)
    limit_price = ExactField(label="Limit price", places=PRICE_PLACES)
    stop_price = ExactField(label="Stop price", places=PRICE_PLACES)
    trail_percent = ExactField(label="Trail in percent", places=PRICE_PLACES)
    trail_amount = ExactField(label="Trail as an amount", places=PRICE_PLACES)
    key = forms.CharField(widget=forms.HiddenInput, max_length=TOKEN_LENGTH, required=False)

    def __init__(self, *args: object, changeable: Collection[str], **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        for name in set(self.fields) - {*changeable, "key"}:
            del self.fields[name]

    def terms(self) -> dict[str, Decimal]:
        return {name: value for name, value in self.cleaned_data.items() if name != "key"}


class SearchForm(forms.Form):
    q = forms.CharField(max_length=50, required=False, label="Symbol or name")
