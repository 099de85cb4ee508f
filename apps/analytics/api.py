"""HTTP API of analytics."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.analytics.selectors import performance_table, portfolio_summary
from apps.infrastructure.api.fields import DecimalField
from apps.infrastructure.api.views import ApiView
from apps.users.actors import actor_of


class SliceOutput(serializers.Serializer[Any]):
    name = serializers.CharField()
    value = DecimalField(max_digits=38)
    weight = DecimalField()


class SummaryOutput(serializers.Serializer[Any]):
    portfolio_id = serializers.UUIDField()
    currency = serializers.CharField()
    value = DecimalField(max_digits=38)
    cash = DecimalField(max_digits=38)
    held = DecimalField(max_digits=38)
    invested = DecimalField(max_digits=38)
    net_deposits = DecimalField(max_digits=38)
    day_profit = DecimalField(max_digits=38)
    total_profit = DecimalField(max_digits=38)
    by_symbol = SliceOutput(many=True)
    by_sector = SliceOutput(many=True)
    is_complete = serializers.BooleanField()
    priced_at = serializers.DateTimeField(allow_null=True)
    fx_rates_on = serializers.DateField(allow_null=True)


class PeriodOutput(serializers.Serializer[Any]):
    period = serializers.CharField()
    since = serializers.DateTimeField(allow_null=True)
    time_weighted = DecimalField(decimal_places=10, allow_null=True)


class PerformanceOutput(serializers.Serializer[Any]):
    periods = PeriodOutput(many=True)
    money_weighted = DecimalField(decimal_places=10, allow_null=True)
    max_drawdown = DecimalField(decimal_places=10, allow_null=True)
    volatility = DecimalField(decimal_places=10, allow_null=True)


class SummaryApi(ApiView):
    @extend_schema(responses={200: SummaryOutput})
    def get(self, request: Request, portfolio_id: UUID) -> Response:
        """Return the portfolio's value, profit and allocation at the last quotes."""
        return Response(SummaryOutput(portfolio_summary(actor_of(request), portfolio_id)).data)


class PerformanceApi(ApiView):
    @extend_schema(responses={200: PerformanceOutput})
    def get(self, request: Request, portfolio_id: UUID) -> Response:
        """Return time-weighted returns by period, the money-weighted return and risk."""
        return Response(PerformanceOutput(performance_table(actor_of(request), portfolio_id)).data)
