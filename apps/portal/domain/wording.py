"""Plain words for codes: what a check looks at, what an event meant for the client."""

from collections.abc import Mapping
from typing import Any

CHECKS = {
    "kyc_approved": "Your identity check is approved",
    "kyc_not_approved": "Your identity check is approved",
    "client_cleared": "Your account is free to trade",
    "firm_not_accepting": "The firm takes such orders now",
    "instrument_not_tradable": "The instrument trades",
    "instrument_restricted": "The instrument is not restricted",
    "exchange_rate_missing": "Its currency has an exchange rate",
    "session_closed": "The market is open, or the order can wait",
    "tick_size": "Prices fit the instrument's steps",
    "lot_size": "The size fits the instrument's steps",
    "quote_missing": "There is a fresh quote",
    "quote_stale": "There is a fresh quote",
    "price_collar": "The limit price is near the market",
    "order_too_small": "The order is large enough",
    "order_notional": "The order is within the size limit",
    "position_concentration": "The position stays within its share of the portfolio",
    "daily_order_limit": "Today's number of orders is within the limit",
    "daily_notional_limit": "Today's orders together are within the limit",
    "duplicate_order": "No identical order a moment ago",
    "insufficient_buying_power": "There is enough buying power",
    "insufficient_position": "There are enough units to sell",
}

# What the ticket says while the firm, or the exchange, takes fewer orders than usual.
FIRM_STATES = {
    "REDUCING": "We take orders to sell only at the moment. Your resting orders stay as they are.",
    "HALTED": "We take no new orders at the moment. Your resting orders stay as they are, "
    "and you can cancel them.",
}
INSTRUMENT_STATES = {
    "HALTED": "Trading in this instrument is halted. Resting orders in it do not fill meanwhile.",
    "DELISTED": "This instrument is not traded any more.",
}

PERIODS = {"1D": "Day", "1W": "Week", "1M": "Month", "START": "Since the start"}
TIMES_IN_FORCE = {
    "DAY": "Day: until the session ends",
    "GTC": "Good till cancelled",
    "IOC": "Immediate or cancel: fill what you can now",
    "FOK": "Fill or kill: all of it now or nothing",
}
ORDER_TYPES = {
    "MARKET": "Market: at the best price now",
    "LIMIT": "Limit: at your price or better",
    "STOP": "Stop: market order once your price is reached",
    "STOP_LIMIT": "Stop limit: limit order once your price is reached",
    "TRAILING_STOP": "Trailing stop: a stop that follows the price by a distance",
}

REBALANCING = {
    "WITHIN_BAND": "within its band",
    "OUTSIDE_BAND": "outside its band",
    "WITH_THE_REST": "brought back with the rest",
    "NOT_IN_TARGET": "not in the target",
    "LOT_SIZE": "not a whole lot more",
    "ORDER_MINIMUM": "below your smallest order",
    "HELD_BY_ORDERS": "open orders hold the units",
    "NOT_ENOUGH_CASH": "cash is short, with fees and room for the price to move",
    "CASH_KEPT": "the cash that always stays comes first",
}
LOT_METHODS = {
    "FIFO": "First in, first out",
    "LIFO": "Last in, first out",
    "HIFO": "Highest cost first",
    "AVERAGE": "Average cost",
    "SPECIFIC": "The lots you name, then first in, first out",
}

# What the client reads of the audit trail; an event that is not here is shown by its name.
EVENTS = {
    "trading.portfolio.opened": "A portfolio in {currency} was opened",
    "trading.portfolio.renamed": "A portfolio was renamed",
    "trading.portfolio.closed": "A portfolio was closed",
    "trading.target.set": "Target weights were set, version {number}",
    "trading.batch.confirmed": "{orders} orders were placed together",
    "trading.plan.changed": "A plan was {change}: {amount} {currency}",
    "trading.plan.run_ended": "A plan's run of {due_date}: {status} {code}",
    "trading.transfer.made": "{quantity} {asset} went from one of your portfolios to another",
    "trading.portfolio.lot_method_changed": "Sales choose lots by {after} now",
    "trading.corporate_action.applied": "{symbol}: {kind} on {units} units",
    "trading.corporate_action.reversed": "{symbol}: {kind} was taken back",
    "trading.cash.requested": "A transfer was requested",
    "trading.cash.deposited": "{amount} {currency} arrived from the simulated bank",
    "trading.cash.withdrawn": "{amount} {currency} went to the simulated bank",
    "trading.cash.failed": "The simulated bank refused a transfer",
    "trading.currency.converted": "{sold} {sold_currency} became {bought} {bought_currency}",
    "trading.dividend.paid": "{symbol} paid a dividend of {gross} {currency}",
    "trading.import.requested": "{lots} lots from another broker were named",
    "trading.import.applied": "{lots} lots from another broker came in, worth {value} {currency}",
    "trading.import.declined": "Lots from another broker did not arrive",
    "trading.charge.booked": "{words} for {month:.7}: {amount} {currency}",
    "trading.charge.deferred": "A fee of {amount} {currency} is due: there is too little free cash",
    "trading.order.accepted": "An order was accepted: {side} {quantity} {symbol}",
    "trading.order.triggered": "A stop order on {symbol} was triggered",
    "trading.order.filled": "{side} {quantity} {symbol} filled at {price} {currency}",
    "trading.order.refused": "An order on {symbol} was refused",
    "trading.order.cancel_requested": "An order on {symbol} is to be cancelled",
    "trading.order.replace_requested": "You asked to change an order on {symbol}",
    "trading.order.replaced": "An order on {symbol} goes on under other terms",
    "trading.order.replace_rejected": "An order on {symbol} could not be changed",
    "trading.order.canceled": "An order on {symbol} was cancelled",
    "trading.order.rejected": "An order on {symbol} was rejected",
    "trading.order.expired": "An order on {symbol} expired",
    "compliance.kyc.started": "The identity check was begun",
    "compliance.kyc.step_saved": "Answers of the identity check were saved",
    "compliance.kyc.document_uploaded": "A document was uploaded",
    "compliance.kyc.file_quarantined": "A file was refused: malware was found in it",
    "compliance.kyc.submitted": "The identity check was handed in",
    "compliance.information.requested": "We asked you for something",
    "compliance.information.answered": "You answered something that we asked for",
    "compliance.kyc.decided": "The identity check was decided",
    "compliance.kyc.status_changed": "The state of the account changed",
    "users.user.registered": "The account was registered",
    "users.sign_in.succeeded": "Signed in",
    "users.sign_in.failed": "A sign-in failed",
    "users.password.changed": "The password was changed",
    "users.second_factor.changed": "The second factor was changed",
    "users.api_session.revoked": "An API session was ended",
    "users.api_key.created": "An API key was made",
    "users.api_key.revoked": "An API key was revoked",
}


class _Gaps(dict[str, Any]):
    """A field that an older event does not have is left open."""

    def __missing__(self, key: str) -> str:
        return "?"


def check_words(code: str) -> str:
    """Return what a check looks at."""
    return CHECKS.get(code, code.replace("_", " ").capitalize())


def event_words(name: str, payload: Mapping[str, Any]) -> str:
    """Return what the event meant, in one sentence without a full stop."""
    template = EVENTS.get(name)
    if template is None:
        _, noun, verb = (*name.split("."), "", "")[:3]
        return f"{noun} {verb}".replace("_", " ").strip().capitalize()
    words = {key: str(value).title() if key == "side" else value for key, value in payload.items()}
    return template.format_map(_Gaps(words))
