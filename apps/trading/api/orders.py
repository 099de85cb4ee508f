"""HTTP API of orders: parse, one command or query, render."""

import hashlib
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.errors import InvalidInput
from apps.infrastructure.api.etags import ETAG, etag
from apps.infrastructure.api.fields import DecimalField, SymbolField
from apps.infrastructure.api.filtering import filtered
from apps.infrastructure.api.idempotency import idempotent
from apps.infrastructure.api.listing import PAGE_PARAMETERS, PAGE_QUERY, page_of, page_schema
from apps.infrastructure.api.serializers import InputSerializer
from apps.infrastructure.api.views import ApiView
from apps.trading.api import examples
from apps.trading.api.filters import ORDER_PARAMETERS, OrderFilters, query_of
from apps.trading.domain.orders import OrderStatus, OrderType, Side, TimeInForce
from apps.trading.selectors.orders import order_get, order_list
from apps.trading.services.drafts import MAX_CHOSEN_LOTS
from apps.trading.services.orders import order_cancel, order_place, order_preview
from apps.users.actors import actor_of


class TermsInput(InputSerializer):
    """What is to be traded; either `quantity` or `notional`."""

    portfolio_id = serializers.UUIDField()
    symbol = SymbolField()
    side = serializers.ChoiceField(choices=[word.value for word in Side])
    type = serializers.ChoiceField(choices=[word.value for word in OrderType], source="order_type")
    quantity = DecimalField(min_value=0, required=False, allow_null=True)
    notional = DecimalField(min_value=0, required=False, allow_null=True)
    limit_price = DecimalField(min_value=0, required=False, allow_null=True)
    stop_price = DecimalField(min_value=0, required=False, allow_null=True)
    trail_amount = DecimalField(min_value=0, required=False, allow_null=True)
    trail_percent = DecimalField(min_value=0, required=False, allow_null=True)
    time_in_force = serializers.ChoiceField(
        choices=[word.value for word in TimeInForce], default=TimeInForce.DAY.value
    )


class OrderInput(TermsInput):
    """An order; without a `client_order_id` the Idempotency-Key makes one."""

    client_order_id = serializers.RegexField(r"\A[\x21-\x7e]{1,64}\Z", required=False)
    lot_ids = serializers.ListField(
        child=serializers.UUIDField(), max_length=MAX_CHOSEN_LOTS, required=False
    )


class OrderOutput(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    portfolio_id = serializers.UUIDField()
    client_order_id = serializers.CharField()
    mode = serializers.CharField()
    symbol = serializers.CharField()
    currency = serializers.CharField()
    side = serializers.ChoiceField(choices=[word.value for word in Side])
    type = serializers.ChoiceField(choices=[word.value for word in OrderType], source="order_type")
    time_in_force = serializers.ChoiceField(choices=[word.value for word in TimeInForce])
    quantity = DecimalField()
    notional = DecimalField(allow_null=True)
    limit_price = DecimalField(allow_null=True)
    stop_price = DecimalField(allow_null=True)
    trail_amount = DecimalField(allow_null=True)
    trail_percent = DecimalField(allow_null=True)
    mark_price = DecimalField(allow_null=True)
    parent_id = serializers.UUIDField(allow_null=True)
    group_id = serializers.UUIDField(allow_null=True)
    status = serializers.ChoiceField(choices=[word.value for word in OrderStatus])
    reason_code = serializers.CharField()
    filled_quantity = DecimalField()
    leaves_quantity = DecimalField()
    average_price = DecimalField(allow_null=True)
    fees = DecimalField()
    held_amount = DecimalField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)
    closed_at = serializers.DateTimeField(allow_null=True)
    version = serializers.CharField()


class CheckOutput(serializers.Serializer[Any]):
    code = serializers.CharField()
    passed = serializers.BooleanField(source="is_passed")
    only_warns = serializers.BooleanField()
    message = serializers.CharField()
    limit = serializers.CharField()
    measured = serializers.CharField()


class PreviewOutput(serializers.Serializer[Any]):
    accepted = serializers.BooleanField(source="is_accepted")
    quantity = DecimalField(allow_null=True)
    currency = serializers.CharField(source="instrument.currency")
    estimated_price = DecimalField(allow_null=True)
    estimated_cost = DecimalField(
        source="estimate.amount", max_digits=52, allow_null=True, default=None
    )
    estimated_fees = DecimalField(
        source="estimate.fees", max_digits=52, allow_null=True, default=None
    )
    held = DecimalField(source="needed", max_digits=52, allow_null=True)
    buying_power = DecimalField(max_digits=52)
    buying_power_after = DecimalField(max_digits=52, allow_null=True)
    quote_at = serializers.DateTimeField(source="quote.at", allow_null=True, default=None)
    quote_source = serializers.CharField(source="quote.source", allow_null=True, default=None)
    checks = CheckOutput(many=True)


class OrderListApi(ApiView):
    @property
    def query_parameters(self) -> frozenset[str]:  # type: ignore[override]
        reads = self.request.method == "GET"
        return query_of(ORDER_PARAMETERS) if reads else frozenset()

    @extend_schema(
        parameters=[*PAGE_PARAMETERS, *ORDER_PARAMETERS],
        responses={200: page_schema("OrderPage", OrderOutput)},
        examples=[examples.page("orders", examples.PLACED)],
    )
    def get(self, request: Request) -> Response:
        """List your orders, newest first."""
        every = order_list(actor_of(request))
        orders = filtered(OrderFilters, request, every, also=PAGE_QUERY)
        return page_of(self, request, orders, OrderOutput)

    @extend_schema(
        request=OrderInput,
        responses={
            201: OrderOutput,
            **examples.problems(*examples.PLACING, examples.OTHER_TERMS),
        },
        examples=[
            examples.request("limit order", examples.LIMIT_ORDER),
            examples.request("by notional", examples.BY_NOTIONAL),
            examples.request("trailing stop", examples.TRAILING_STOP),
            examples.answer("accepted", examples.PLACED, 201),
        ],
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """Place an order, once per Idempotency-Key."""
        data = OrderInput(data=request.data)
        data.is_valid(raise_exception=True)
        key = hashlib.sha256(request.headers["Idempotency-Key"].encode()).hexdigest()
        terms = {"client_order_id": f"key-{key[:48]}", **data.validated_data}
        order = order_place(actor=actor_of(request), **terms)
        return Response(OrderOutput(order).data, status.HTTP_201_CREATED)


class OrderPreviewApi(ApiView):
    @extend_schema(
        request=TermsInput,
        responses={200: PreviewOutput},
        examples=[
            examples.request("by notional", examples.BY_NOTIONAL),
            examples.answer("it would be refused", examples.PREVIEW),
        ],
    )
    def post(self, request: Request) -> Response:
        """Return what placing the order would mean now; places nothing."""
        data = TermsInput(data=request.data)
        data.is_valid(raise_exception=True)
        preview = order_preview(actor=actor_of(request), **data.validated_data)
        return Response(PreviewOutput(preview).data)


class OrderDetailApi(ApiView):
    @extend_schema(
        parameters=[ETAG],
        responses={200: OrderOutput},
        examples=[examples.answer("an order", examples.PLACED)],
    )
    def get(self, request: Request, order_id: UUID) -> Response:
        """Return one of your orders."""
        order = order_get(actor_of(request), order_id)
        return Response(OrderOutput(order).data, headers={"ETag": etag(order.version)})


class OrderCancelApi(ApiView):
    @extend_schema(
        request=None,
        responses={202: OrderOutput, **examples.problems(examples.CLOSED)},
        examples=[examples.answer("asked", {**examples.PLACED, "status": "PENDING_CANCEL"}, 202)],
    )
    def post(self, request: Request, order_id: UUID) -> Response:
        """Ask for the order to be canceled; a fill that is on its way still counts."""
        if request.data:
            raise InvalidInput("A cancel request has no body.", field="body")
        order = order_cancel(actor=actor_of(request), order_id=order_id)
        return Response(OrderOutput(order).data, status.HTTP_202_ACCEPTED)
