"""HTTP API of orders that belong together."""

import hashlib
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.infrastructure.api.fields import DecimalField, SymbolField
from apps.infrastructure.api.idempotency import idempotent
from apps.infrastructure.api.serializers import InputSerializer
from apps.infrastructure.api.views import ApiView
from apps.trading.api import examples
from apps.trading.api.orders import OrderOutput
from apps.trading.domain.orders import TimeInForce
from apps.trading.services.brackets import bracket_place, oco_place
from apps.users.actors import actor_of

RESTING = [TimeInForce.DAY.value, TimeInForce.GTC.value]


class ExitsInput(InputSerializer):
    """Two sales, one of which cancels the other; their ids end in `-tp` and `-sl`."""

    portfolio_id = serializers.UUIDField()
    symbol = SymbolField()
    quantity = DecimalField(min_value=0)
    take_profit_price = DecimalField(min_value=0)
    stop_loss_price = DecimalField(min_value=0)
    stop_loss_limit_price = DecimalField(min_value=0, required=False, allow_null=True)
    client_order_id = serializers.RegexField(r"\A[\x21-\x7e]{1,61}\Z", required=False)


class OcoInput(ExitsInput):
    time_in_force = serializers.ChoiceField(choices=RESTING, default=TimeInForce.GTC.value)


class BracketInput(ExitsInput):
    """A purchase, and the exits that sell what it bought."""

    type = serializers.ChoiceField(
        choices=["MARKET", "LIMIT", "STOP", "STOP_LIMIT"], source="order_type"
    )
    limit_price = DecimalField(min_value=0, required=False, allow_null=True)
    stop_price = DecimalField(min_value=0, required=False, allow_null=True)
    time_in_force = serializers.ChoiceField(
        choices=[word.value for word in TimeInForce], default=TimeInForce.DAY.value
    )
    exit_time_in_force = serializers.ChoiceField(choices=RESTING, default=TimeInForce.GTC.value)


class GroupApi(ApiView):
    """What placing several orders in one step shares."""

    @staticmethod
    def terms(request: Request, serializer: type[ExitsInput]) -> dict[str, Any]:
        data = serializer(data=request.data)
        data.is_valid(raise_exception=True)
        key = hashlib.sha256(request.headers["Idempotency-Key"].encode()).hexdigest()
        return {"client_order_id": f"key-{key[:48]}", **data.validated_data}


class BracketApi(GroupApi):
    @extend_schema(
        request=BracketInput,
        responses={201: OrderOutput(many=True), **examples.problems(*examples.PLACING)},
        examples=[examples.request("entry with both exits", examples.BRACKET)],
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """Place a purchase with a take-profit and a stop-loss, once per Idempotency-Key."""
        orders = bracket_place(actor=actor_of(request), **self.terms(request, BracketInput))
        return Response(OrderOutput(orders, many=True).data, status.HTTP_201_CREATED)


class OcoApi(GroupApi):
    @extend_schema(
        request=OcoInput,
        responses={201: OrderOutput(many=True), **examples.problems(examples.NO_UNITS)},
        examples=[examples.request("two exits", examples.OCO)],
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """Place two sales of the same units, once per Idempotency-Key."""
        orders = oco_place(actor=actor_of(request), **self.terms(request, OcoInput))
        return Response(OrderOutput(orders, many=True).data, status.HTTP_201_CREATED)
