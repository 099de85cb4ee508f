"""What an API key may be allowed: each operation of the API and the scope that opens it to keys.

An operation that stands nowhere here is closed to every key: money that moves, keys, the second
factor, sessions, identity documents, and all that staff decide.
"""

OPERATIONS: dict[str, str] = {
    "GET api/v1/account": "account:read",
    "GET api/v1/instruments": "market:read",
    "GET api/v1/instruments/<str:symbol>": "market:read",
    "GET api/v1/quotes": "market:read",
    "GET api/v1/quotes/<str:symbol>": "market:read",
    "GET api/v1/bars": "market:read",
    "GET api/v1/calendar": "market:read",
    "GET api/v1/clock": "market:read",
    "GET api/v1/portfolios": "portfolios:read",
    "POST api/v1/portfolios": "portfolios:write",
    "GET api/v1/portfolios/<uuid:portfolio_id>": "portfolios:read",
    "PATCH api/v1/portfolios/<uuid:portfolio_id>": "portfolios:write",
    "POST api/v1/portfolios/<uuid:portfolio_id>/close": "portfolios:write",
    "GET api/v1/portfolios/<uuid:portfolio_id>/ledger-entries": "portfolios:read",
    "GET api/v1/portfolios/<uuid:portfolio_id>/conversions": "cash:read",
    "GET api/v1/portfolios/<uuid:portfolio_id>/statements": "portfolios:read",
    "GET api/v1/portfolios/<uuid:portfolio_id>/statements/<str:form>": "portfolios:read",
    "GET api/v1/portfolios/<uuid:portfolio_id>/positions": "portfolios:read",
    "GET api/v1/portfolios/<uuid:portfolio_id>/lots": "portfolios:read",
    "GET api/v1/portfolios/<uuid:portfolio_id>/gains": "portfolios:read",
    "GET api/v1/portfolios/<uuid:portfolio_id>/gains.csv": "portfolios:read",
    "PUT api/v1/portfolios/<uuid:portfolio_id>/lot-method": "portfolios:write",
    "GET api/v1/corporate-actions": "portfolios:read",
    "GET api/v1/portfolios/<uuid:portfolio_id>/summary": "portfolios:read",
    "GET api/v1/portfolios/<uuid:portfolio_id>/performance": "portfolios:read",
    "GET api/v1/portfolios/<uuid:portfolio_id>/deposits": "cash:read",
    "GET api/v1/portfolios/<uuid:portfolio_id>/withdrawals": "cash:read",
    "GET api/v1/portfolios/<uuid:portfolio_id>/transfers": "cash:read",
    "GET api/v1/orders": "orders:read",
    "POST api/v1/orders": "orders:write",
    "POST api/v1/orders/preview": "orders:read",
    "GET api/v1/orders/<uuid:order_id>": "orders:read",
    "POST api/v1/orders/<uuid:order_id>/cancel": "orders:write",
    "POST api/v1/orders/brackets": "orders:write",
    "POST api/v1/orders/oco": "orders:write",
    "POST api/v1/orders/cancel-all": "orders:write",
    "GET api/v1/orders/<uuid:order_id>/replacements": "orders:read",
    "POST api/v1/orders/<uuid:order_id>/replacements": "orders:write",
    "GET api/v1/trades": "orders:read",
    "POST api/v1/ws-tokens": "stream:read",
}
# What a connection that a key opened may hear, beside `stream:read`; no other channel is open.
CHANNELS = {"quotes": "market:read", "orders": "orders:read"}

DESCRIPTIONS = {
    "account:read": "See who the key belongs to",
    "market:read": "Read instruments, quotes and prices",
    "portfolios:read": "Read portfolios, positions and performance",
    "portfolios:write": "Open, rename and close portfolios",
    "cash:read": "Read deposits, withdrawals and transfers",
    "orders:read": "Read and preview orders, read trades",
    "orders:write": "Place, replace and cancel orders",
    "stream:read": "Open the live feed",
}
