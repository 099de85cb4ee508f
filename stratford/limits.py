"""How often, how much and for how long: every limit that a caller from outside can meet."""

from typing import Any

# Requests a minute: by address, by credential on the API, by credential on orders, to sign in,
# what browsers report by address.
RATE_LIMITS = {
    "address": "6000/m",
    "api": "1200/m",
    "orders": "600/m",
    "sign-in": "30/m",
    "reports": "30/m",
}
RATE_LIMIT_SIGN_IN_PATHS = ("/accounts/", "/admin/login/", "/api/v1/auth/")
# An IPv6 caller owns a whole network, so the network is what counts as one address.
IPV6_MASK = 64

# Attempts to sign in, as (attempts, window in seconds).  `address`: from one network, at any
# account.  `pair`: from one network at one account.  `account`: at one account from networks that
# it never signed in from.
SIGN_IN = {
    "address": (50, 300),
    "pair": (5, 300),
    "account": (200, 3600),
}
# Wrong codes of the second factor, for one user, as (attempts, window in seconds).  `place`: from
# one network or in one session.  `hour` and `day`: from all addresses that the user never signed
# in from, together.  `session`: in all sessions together.
CODES = {
    "place": (5, 300),
    "hour": (20, 3600),
    "day": (50, 86_400),
    "session": (20, 3600),
}
# How long a network from which somebody signed in stays known to the account.
KNOWN_DAYS = 30

# Mails to new addresses that one user asks for, as (mails, window in seconds).
EMAIL_CHANGE = (5, 3600)

# allauth's own limits on its pages; its count of failed sign-ins is replaced by the limits above.
ALLAUTH = {
    "signup": "20/m/ip",
    "reset_password": "20/m/ip,5/m/key",
    "reset_password_from_key": "20/m/ip",
    "confirm_email": "1/3m/key",
    "change_password": "5/m/user",
}

# API keys: the longest life, how many one client has, requests a minute of one key (the default
# and the most), and how many networks a key may name.
API_KEYS: dict[str, int] = {
    "days_most": 365,
    "live_most": 20,
    "per_minute": 300,
    "per_minute_most": 1200,
    "networks_most": 20,
}

# Webhooks: how many one client has, the pauses (seconds) before each further try of a delivery, how
# many tries in a row may fail before the webhook is switched off, and how long deliveries are kept.
WEBHOOKS: dict[str, Any] = {
    "live_most": 10,
    "pauses": (5, 30, 300, 1800, 7200, 18000, 36000),
    "failures_most": 20,
    "kept_days": 30,
    "tests_a_minute": 5,
}

# What one connection of the live feed may do, and how fast the server notices trouble.
LIVE_FEED: dict[str, Any] = {
    "auth_by_ms": 10_000,
    "heartbeat_ms": 5_000,
    "recheck_ms": 3_000,
    "symbols": 200,
    "msgs_s": 10,
    "connections": 10,
    "send_timeout_seconds": 10,
    "stale_after_seconds": 5,
}

# What one order may be, and how the market may move before it stops filling; shares are fractions
# of one, amounts are in the order's currency.  `firm` are the limits with which a new
# installation begins; from then on officers change them on the desk.
ORDERS: dict[str, Any] = {
    "hold_buffer": "0.02",
    "quote_age_seconds": 60,
    "order_minimum": "1",
    "duplicate_seconds": 2,
    "firm": {
        "ORDER_NOTIONAL": "1000000",
        "ORDERS_A_DAY": "5000",
        "NOTIONAL_A_DAY": "10000000",
        "POSITION_CONCENTRATION": "1",
        "PRICE_COLLAR": "0.10",
    },
}
