"""What the database itself holds true of an order, and by what it finds one."""

from django.db import models
from django.db.models import F, Q

from apps.trading.domain.orders import (
    LIMITED,
    STOPPED,
    TERMINAL,
    WORKING,
    OrderStatus,
    OrderType,
    Side,
    TimeInForce,
)

IS_WORKING = Q(status__in=sorted(WORKING))
IS_TRIGGERED = Q(stop_price=None) | Q(triggered_at__isnull=False)
CONSTRAINTS = (
    models.UniqueConstraint(
        fields=["portfolio", "client_order_id"], name="trading_order_client_order_id"
    ),
    models.CheckConstraint(
        condition=Q(side__in=[word.value for word in Side])
        & Q(order_type__in=[word.value for word in OrderType])
        & Q(time_in_force__in=[word.value for word in TimeInForce])
        & Q(status__in=[word.value for word in OrderStatus])
        & Q(mode__in=["PAPER", "LIVE"]),
        name="trading_order_words",
    ),
    models.CheckConstraint(condition=Q(quantity__gt=0), name="trading_order_quantity"),
    models.CheckConstraint(
        condition=Q(
            filled_quantity__gte=0,
            filled_quantity__lte=F("quantity"),
            filled_value__gte=0,
            fees__gte=0,
            held_amount__gte=0,
            worst_price__gte=0,
        ),
        name="trading_order_amounts",
    ),
    models.CheckConstraint(
        condition=Q(order_type__in=sorted(LIMITED), limit_price__gt=0)
        | (~Q(order_type__in=sorted(LIMITED)) & Q(limit_price=None)),
        name="trading_order_limit_price",
    ),
    models.CheckConstraint(
        condition=Q(order_type__in=sorted(STOPPED), stop_price__gt=0)
        | (~Q(order_type__in=sorted(STOPPED)) & Q(stop_price=None, triggered_at=None)),
        name="trading_order_stop_price",
    ),
    models.CheckConstraint(
        condition=(
            Q(order_type="TRAILING_STOP", mark_price__gt=0)
            & (
                Q(trail_amount__gt=0, trail_percent=None)
                | Q(trail_amount=None, trail_percent__gt=0, trail_percent__lt=100)
            )
        )
        | (
            ~Q(order_type="TRAILING_STOP")
            & Q(trail_amount=None, trail_percent=None, mark_price=None)
        ),
        name="trading_order_trail",
    ),
    models.CheckConstraint(
        condition=Q(is_waiting=False) | Q(held_amount=0, filled_quantity=0),
        name="trading_order_waiting_holds_nothing",
    ),
    models.CheckConstraint(
        condition=Q(status__in=sorted(TERMINAL), held_amount=0, closed_at__isnull=False)
        | (~Q(status__in=sorted(TERMINAL)) & Q(closed_at=None)),
        name="trading_order_closed_holds_nothing",
    ),
    models.CheckConstraint(
        condition=Q(status="FILLED", filled_quantity=F("quantity"))
        | (~Q(status="FILLED") & Q(filled_quantity__lt=F("quantity"))),
        name="trading_order_filled_is_full",
    ),
)
INDEXES = (
    models.Index(fields=["portfolio", "-created_at"], name="trading_order_of_portfolio"),
    models.Index(
        fields=["portfolio", "symbol"],
        name="trading_order_open",
        condition=Q(closed_at=None),
    ),
    models.Index(fields=["client", "-created_at", "-id"], name="trading_order_of_client"),
    models.Index(
        fields=["symbol", "side", "worst_price"],
        name="trading_order_working",
        condition=IS_WORKING & IS_TRIGGERED,
    ),
    models.Index(
        fields=["symbol", "side", "stop_price"],
        name="trading_order_waiting",
        condition=IS_WORKING & Q(stop_price__isnull=False, triggered_at=None),
    ),
    models.Index(
        fields=["symbol", "side", "mark_price"],
        name="trading_order_trailing",
        condition=IS_WORKING & Q(mark_price__isnull=False, triggered_at=None),
    ),
    models.Index(
        fields=["group_id"],
        name="trading_order_group",
        condition=Q(group_id__isnull=False),
    ),
    models.Index(
        fields=["expires_at"],
        name="trading_order_expiring",
        condition=Q(closed_at=None, expires_at__isnull=False),
    ),
)
