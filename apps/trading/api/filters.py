"""What lists of orders and trades can be asked for; days are those of UTC."""

import re
from enum import StrEnum
from typing import Any

from django.core.validators import RegexValidator
from django_filters import CharFilter, ChoiceFilter, DateFilter, FilterSet, UUIDFilter
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter

from apps.core.domain.instruments import SYMBOL_PATTERN
from apps.infrastructure.api.fields import SYMBOL_SCHEMA
from apps.infrastructure.api.listing import PAGE_QUERY
from apps.trading.domain.orders import OrderStatus, OrderType, Side

DAY = ["%Y-%m-%d"]
WHOLE_SYMBOL = re.compile(rf"\A{SYMBOL_PATTERN.pattern}\Z", re.ASCII)


def _one_of(words: type[StrEnum], **options: Any) -> ChoiceFilter:
    return ChoiceFilter(choices=[(word.value, word.value) for word in words], **options)


class OrderFilters(FilterSet):
    """`client_order_id` is the order's own, or that of one of its replacements."""

    portfolio_id = UUIDFilter()
    symbol = CharFilter(strip=False, validators=[RegexValidator(WHOLE_SYMBOL)])
    client_order_id = CharFilter(method="keep_named")
    status = _one_of(OrderStatus)
    side = _one_of(Side)
    type = _one_of(OrderType, field_name="order_type")
    open = ChoiceFilter(choices=[("true", "true"), ("false", "false")], method="keep_open")

    def keep_named(self, orders: Any, name: str, value: str) -> Any:
        return orders.named(value)

    def keep_open(self, orders: Any, name: str, value: str) -> Any:
        return orders.filter(closed_at__isnull=value == "true")


class TradeFilters(FilterSet):
    portfolio_id = UUIDFilter()
    order_id = UUIDFilter()
    symbol = CharFilter(strip=False, validators=[RegexValidator(WHOLE_SYMBOL)])
    side = _one_of(Side)
    start = DateFilter(field_name="executed_at", lookup_expr="date__gte", input_formats=DAY)
    end = DateFilter(field_name="executed_at", lookup_expr="date__lte", input_formats=DAY)


def _parameter(name: str, kind: Any = OpenApiTypes.STR, **options: Any) -> OpenApiParameter:
    return OpenApiParameter(name, kind, **options)


PORTFOLIO = _parameter("portfolio_id", OpenApiTypes.UUID)
SYMBOL = _parameter("symbol", SYMBOL_SCHEMA)
SIDE = _parameter("side", enum=[word.value for word in Side])
ORDER_PARAMETERS = [
    PORTFOLIO,
    SYMBOL,
    _parameter("client_order_id"),
    _parameter("status", enum=[word.value for word in OrderStatus]),
    SIDE,
    _parameter("type", enum=[word.value for word in OrderType]),
    _parameter("open", enum=["true", "false"], description="Whether it can still trade."),
]
TRADE_PARAMETERS = [
    PORTFOLIO,
    _parameter("order_id", OpenApiTypes.UUID),
    SYMBOL,
    SIDE,
    _parameter("start", OpenApiTypes.DATE, description="First day, in UTC."),
    _parameter("end", OpenApiTypes.DATE, description="Last day, in UTC."),
]


def query_of(parameters: list[OpenApiParameter]) -> frozenset[str]:
    """Return what a list with these filters may be asked."""
    return PAGE_QUERY | {item.name for item in parameters}
