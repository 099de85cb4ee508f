"""Examples of trading in the API's description; a test holds each of them to its schema."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiResponse

PORTFOLIO = "0197f3d2-6c1e-7d70-9a55-2f4c8f6f1b11"
ORDER = "0197f3d4-11aa-7b0e-8d0f-7a1f0e2c9d42"
NOON = "2026-03-02T15:04:05.123456Z"
REQUEST_ID = "3f0c6a1e9b7d4c2f"

LIMIT_ORDER = {
    "portfolio_id": PORTFOLIO,
    "symbol": "AAPL",
    "side": "BUY",
    "type": "LIMIT",
    "quantity": "10",
    "limit_price": "189.10",
    "time_in_force": "GTC",
    "client_order_id": "rebalance-2026-03-02-aapl",
}
BY_NOTIONAL = {
    "portfolio_id": PORTFOLIO,
    "symbol": "MSFT",
    "side": "BUY",
    "type": "MARKET",
    "notional": "2500.00",
}
TRAILING_STOP = {
    "portfolio_id": PORTFOLIO,
    "symbol": "AAPL",
    "side": "SELL",
    "type": "TRAILING_STOP",
    "quantity": "10",
    "trail_percent": "5",
    "time_in_force": "GTC",
}
PLACED = {
    "id": ORDER,
    "portfolio_id": PORTFOLIO,
    "client_order_id": "rebalance-2026-03-02-aapl",
    "mode": "PAPER",
    "symbol": "AAPL",
    "currency": "USD",
    "side": "BUY",
    "type": "LIMIT",
    "time_in_force": "GTC",
    "quantity": "10",
    "notional": None,
    "limit_price": "189.1",
    "stop_price": None,
    "trail_amount": None,
    "trail_percent": None,
    "mark_price": None,
    "parent_id": None,
    "group_id": None,
    "status": "NEW",
    "reason_code": "",
    "filled_quantity": "0",
    "leaves_quantity": "10",
    "average_price": None,
    "fees": "0",
    "held_amount": "1891.95",
    "created_at": NOON,
    "updated_at": NOON,
    "expires_at": None,
    "closed_at": None,
    "version": "20260302T150405123456",
}
PREVIEW = {
    "accepted": False,
    "quantity": "10",
    "estimated_price": "189.1",
    "estimated_cost": "1891",
    "estimated_fees": "0.95",
    "held": "1891.95",
    "buying_power": "1500",
    "buying_power_after": "-391.95",
    "currency": "USD",
    "quote_at": NOON,
    "quote_source": "replay",
    "checks": [
        {
            "code": "insufficient_buying_power",
            "passed": False,
            "only_warns": False,
            "message": "There is not enough buying power for this order and its fees.",
            "limit": "1500",
            "measured": "1891.95",
        }
    ],
}
BRACKET = {
    "portfolio_id": PORTFOLIO,
    "symbol": "AAPL",
    "type": "LIMIT",
    "quantity": "10",
    "limit_price": "189.10",
    "take_profit_price": "205.00",
    "stop_loss_price": "180.00",
}
OCO = {
    "portfolio_id": PORTFOLIO,
    "symbol": "AAPL",
    "quantity": "10",
    "take_profit_price": "205.00",
    "stop_loss_price": "180.00",
}
TRADE = {
    "id": "0197f3d4-2c55-7e11-a0b3-5d9e3b7c8a10",
    "order_id": ORDER,
    "portfolio_id": PORTFOLIO,
    "symbol": "AAPL",
    "side": "BUY",
    "quantity": "10",
    "price": "189.1",
    "amount": "1891",
    "fees": "0.95",
    "profit": None,
    "currency": "USD",
    "venue": "PAPER",
    "venue_execution_id": f"{ORDER}@2026-03-02T15:04:06+00:00",
    "executed_at": NOON,
}


def request(name: str, value: Any) -> OpenApiExample:
    return OpenApiExample(name, value, request_only=True)


def answer(name: str, value: Any, status: int = 200) -> OpenApiExample:
    return OpenApiExample(name, value, response_only=True, status_codes=[str(status)])


def page(name: str, row: Any) -> OpenApiExample:
    """Return a page with that row alone; drf-spectacular would wrap a bare list."""
    return answer(name, {"next": None, "previous": None, "results": [row]})


def _problem(
    status: int, title: str, code: str, detail: str, facts: dict[str, str] | None = None
) -> dict[str, Any]:
    return {
        "type": f"/problems/{code}",
        "title": title,
        "status": status,
        "code": code,
        "detail": detail,
        "request_id": REQUEST_ID,
        **({"facts": facts} if facts else {}),
    }


def _refused(code: str, detail: str, **facts: str) -> dict[str, Any]:
    return _problem(422, "Unprocessable Entity", code, detail, facts)


NO_MONEY = _refused(
    "insufficient_buying_power",
    "There is not enough buying power for this order and its fees.",
    limit="1500",
    measured="1891.95",
)
NO_UNITS = _refused(
    "insufficient_position", "There are not enough units to sell.", limit="4", measured="10"
)
TOO_FAR = _refused(
    "price_collar",
    "The limit price is too far through the market.",
    limit="208.01",
    measured="250",
)
TOO_MUCH_TODAY = _refused(
    "daily_notional_limit",
    "The orders of today would be worth more than they may.",
    limit="10000000",
    measured="10001891",
)
HALTED = _refused(
    "firm_not_accepting",
    "The firm takes no such orders at the moment.",
    limit="ACTIVE",
    measured="HALTED",
)
RESTRICTED = _refused(
    "instrument_restricted",
    "The instrument is on the firm's restricted list.",
    limit="unrestricted",
    measured="restricted",
)
NOT_APPROVED = _refused(
    "kyc_not_approved",
    "Your identity check is not approved yet.",
    limit="APPROVED",
    measured="SUBMITTED",
)
OTHER_TERMS = _problem(
    409,
    "Conflict",
    "idempotency_mismatch",
    "This client_order_id belongs to an order with other terms.",
)
CLOSED = _problem(
    409,
    "Conflict",
    "illegal_transition",
    "An order that is FILLED cannot be replaced.",
    {"status": "FILLED", "trigger": "PENDING_UPDATE"},
)
CHANGED = _problem(412, "Precondition Failed", "stale", "The order has changed since you read it.")
PLACING = (NOT_APPROVED, HALTED, RESTRICTED, TOO_FAR, NO_MONEY, NO_UNITS, TOO_MUCH_TODAY)


def problems(*found: dict[str, Any]) -> dict[Any, OpenApiResponse]:
    """Return the responses of an operation that these problems are examples of."""
    by_status: dict[int, list[dict[str, Any]]] = {}
    for one in found:
        by_status.setdefault(one["status"], []).append(one)
    return {
        (status, "application/problem+json"): OpenApiResponse(
            {"$ref": "#/components/schemas/Problem"},
            description="A problem, with a stable code (RFC 9457).",
            examples=[OpenApiExample(one["code"], one, response_only=True) for one in listed],
        )
        for status, listed in by_status.items()
    }
