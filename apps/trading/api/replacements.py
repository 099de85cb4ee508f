"""HTTP API of orders that change or end together: replacements, and cancelling all."""

import hashlib
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.errors import Refused
from apps.infrastructure.api.etags import IF_MATCH, if_match
from apps.infrastructure.api.fields import DecimalField, SymbolField
from apps.infrastructure.api.idempotency import idempotent
from apps.infrastructure.api.serializers import InputSerializer
from apps.infrastructure.api.views import ApiView
from apps.trading.api import examples
from apps.trading.api.orders import OrderOutput
from apps.trading.selectors.orders import replacement_list
from apps.trading.services.orders import order_cancel_all
from apps.trading.services.replacements import order_replace
from apps.users.actors import actor_of


class ReplacementInput(InputSerializer):
    """The new terms; what is left out stays.  `quantity` is the whole order's."""

    quantity = DecimalField(min_value=0, required=False)
    limit_price = DecimalField(min_value=0, required=False)
    stop_price = DecimalField(min_value=0, required=False)
    trail_amount = DecimalField(min_value=0, required=False)
    trail_percent = DecimalField(min_value=0, required=False)
    client_order_id = serializers.RegexField(r"\A[\x21-\x7e]{1,64}\Z", required=False)


class TermsOutput(serializers.Serializer[Any]):
    quantity = DecimalField()
    limit_price = DecimalField(allow_null=True)
    stop_price = DecimalField(allow_null=True)
    trail_amount = DecimalField(allow_null=True)
    trail_percent = DecimalField(allow_null=True)


class ReplacementOutput(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    client_order_id = serializers.CharField()
    status = serializers.ChoiceField(choices=["PENDING_REPLACE", "REPLACED", "REJECTED"])
    reason_code = serializers.CharField()
    before = TermsOutput(source="terms_before")
    after = TermsOutput(source="terms")
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class CancelAllInput(InputSerializer):
    portfolio_id = serializers.UUIDField()
    symbol = SymbolField(required=False)


class OrderReplacementApi(ApiView):
    @extend_schema(operation_id="orders_replacements_list", responses=ReplacementOutput(many=True))
    def get(self, request: Request, order_id: UUID) -> Response:
        """List what was asked of the order, oldest first."""
        replacements = replacement_list(actor_of(request), order_id)
        return Response(ReplacementOutput(replacements, many=True).data)

    @extend_schema(
        request=ReplacementInput,
        parameters=[IF_MATCH],
        responses={
            202: OrderOutput,
            **examples.problems(examples.CLOSED, examples.CHANGED, examples.NO_MONEY),
        },
        examples=[
            examples.request("another price", {"limit_price": "187.50"}),
            examples.answer("asked", {**examples.PLACED, "status": "PENDING_REPLACE"}, 202),
        ],
    )
    @idempotent
    def post(self, request: Request, order_id: UUID) -> Response:
        """Ask for the order to be worked under new terms; its fills stay."""
        data = ReplacementInput(data=request.data)
        data.is_valid(raise_exception=True)
        if not set(data.validated_data) - {"client_order_id"}:
            raise Refused("Say what is to change.", code="nothing_to_change")
        key = hashlib.sha256(request.headers["Idempotency-Key"].encode()).hexdigest()
        terms = {"client_order_id": f"key-{key[:48]}", **data.validated_data}
        order = order_replace(
            actor=actor_of(request), order_id=order_id, version=if_match(request), **terms
        )
        return Response(OrderOutput(order).data, status.HTTP_202_ACCEPTED)


class OrderCancelAllApi(ApiView):
    @extend_schema(
        request=CancelAllInput,
        responses={202: OrderOutput(many=True)},
        examples=[
            examples.request("one symbol", {"portfolio_id": examples.PORTFOLIO, "symbol": "AAPL"}),
        ],
    )
    def post(self, request: Request) -> Response:
        """Ask for every open order of the portfolio (or those in one symbol) to be canceled."""
        data = CancelAllInput(data=request.data)
        data.is_valid(raise_exception=True)
        orders = order_cancel_all(actor=actor_of(request), **data.validated_data)
        return Response(OrderOutput(orders, many=True).data, status.HTTP_202_ACCEPTED)
