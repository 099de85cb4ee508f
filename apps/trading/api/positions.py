"""HTTP API of what was traded and what is owned."""

from typing import Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.infrastructure.api.etags import ETAG, IF_NONE_MATCH, UNCHANGED, unless_unchanged
from apps.infrastructure.api.fields import SYMBOL_SCHEMA, DecimalField, SymbolField
from apps.infrastructure.api.filtering import filtered
from apps.infrastructure.api.listing import PAGE_PARAMETERS, PAGE_QUERY, page_of, page_schema
from apps.infrastructure.api.serializers import InputSerializer
from apps.infrastructure.api.views import ApiView
from apps.trading.api import examples
from apps.trading.api.filters import TRADE_PARAMETERS, TradeFilters, query_of
from apps.trading.api.portfolios import CURRENCIES
from apps.trading.selectors.orders import trade_list
from apps.trading.selectors.portfolios import portfolio_get
from apps.trading.selectors.positions import lot_list, position_list
from apps.users.actors import actor_of


class TradeOutput(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    order_id = serializers.UUIDField()
    portfolio_id = serializers.UUIDField()
    symbol = serializers.CharField()
    side = serializers.CharField()
    quantity = DecimalField()
    price = DecimalField()
    amount = DecimalField()
    fees = DecimalField()
    profit = DecimalField(allow_null=True)
    currency = serializers.CharField()
    venue = serializers.CharField()
    venue_execution_id = serializers.CharField()
    executed_at = serializers.DateTimeField()


class PositionOutput(serializers.Serializer[Any]):
    symbol = serializers.CharField()
    currency = serializers.CharField()
    quantity = DecimalField(max_digits=38)
    available = DecimalField(max_digits=38)
    cost = DecimalField(max_digits=52)
    average_cost = DecimalField(max_digits=52)
    last_price = DecimalField(allow_null=True)
    last_price_at = serializers.DateTimeField(allow_null=True)
    market_value = DecimalField(max_digits=52, allow_null=True)
    unrealised_profit = DecimalField(max_digits=52, allow_null=True)
    portfolio_currency = serializers.CharField()
    portfolio_value = DecimalField(source="worth", max_digits=52, allow_null=True)
    fx_rate = DecimalField(
        source="fx.rate", max_digits=38, decimal_places=12, allow_null=True, default=None
    )
    fx_rate_date = serializers.DateField(source="fx.on", allow_null=True, default=None)
    portfolio_cost = DecimalField(max_digits=52)
    portfolio_profit = DecimalField(max_digits=52, allow_null=True)
    price_effect = DecimalField(max_digits=52, allow_null=True)
    fx_effect = DecimalField(max_digits=52, allow_null=True)


class LotOutput(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    symbol = serializers.CharField()
    currency = serializers.CharField()
    origin = serializers.CharField()
    entry_id = serializers.UUIDField()
    execution_id = serializers.UUIDField(allow_null=True)
    carried_from = serializers.UUIDField(source="carried_from_id", allow_null=True)
    fx_rate = DecimalField(decimal_places=12)
    acquired_at = serializers.DateTimeField()
    opened_at = serializers.DateTimeField()
    quantity = DecimalField()
    cost = DecimalField()
    remaining_quantity = DecimalField()
    remaining_cost = DecimalField()


class TradeListApi(ApiView):
    query_parameters = query_of(TRADE_PARAMETERS)

    @extend_schema(
        parameters=[*PAGE_PARAMETERS, *TRADE_PARAMETERS],
        responses={200: page_schema("TradePage", TradeOutput)},
        examples=[examples.page("trades", examples.TRADE)],
    )
    def get(self, request: Request) -> Response:
        """List your trades, newest first."""
        trades = filtered(TradeFilters, request, trade_list(actor_of(request)), also=PAGE_QUERY)
        return page_of(self, request, trades, TradeOutput)


class PositionQuery(InputSerializer):
    symbol = SymbolField(required=False)
    currency = serializers.ChoiceField(choices=CURRENCIES, required=False)


class PositionListApi(ApiView):
    query_parameters = frozenset({"symbol", "currency"})

    @extend_schema(
        operation_id="positions_list",
        parameters=[PositionQuery, IF_NONE_MATCH, ETAG],
        responses={200: PositionOutput(many=True), 304: UNCHANGED},
    )
    def get(self, request: Request, portfolio_id: UUID) -> Response:
        """List what the portfolio owns, by symbol, at the last prices."""
        portfolio = portfolio_get(actor_of(request), portfolio_id)
        asked: dict[str, Any] = self.validated(PositionQuery(data=request.query_params.dict()))
        rows = [
            row
            for row in position_list(portfolio.id)
            if all(getattr(row, name) == value for name, value in asked.items())
        ]
        return unless_unchanged(request, PositionOutput(rows, many=True).data)


class LotQuery(InputSerializer):
    symbol = SymbolField(default="")
    status = serializers.ChoiceField(choices=["OPEN", "CLOSED", "ALL"], default="OPEN")


class LotListApi(ApiView):
    query_parameters = PAGE_QUERY | {"symbol", "status"}

    @extend_schema(
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("symbol", SYMBOL_SCHEMA, description="Of one instrument."),
            OpenApiParameter(
                "status",
                OpenApiTypes.STR,
                enum=["OPEN", "CLOSED", "ALL"],
                description="Lots with units left (OPEN, unless told), without, or both.",
            ),
        ],
        responses={200: page_schema("LotPage", LotOutput)},
    )
    def get(self, request: Request, portfolio_id: UUID) -> Response:
        """List the portfolio's lots, newest first."""
        portfolio = portfolio_get(actor_of(request), portfolio_id)
        given = {
            name: request.query_params[name]
            for name in ("symbol", "status")
            if name in request.query_params
        }
        query = LotQuery(data=given)
        query.is_valid(raise_exception=True)
        status = query.validated_data["status"]
        lots = lot_list(
            portfolio.id,
            symbol=query.validated_data["symbol"],
            only_open=status == "OPEN",
            only_closed=status == "CLOSED",
        )
        return page_of(self, request, lots, LotOutput)
