"""Trades of another day, and corporate actions brought to their end."""

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import uuid4

from apps.trading.domain.corporate_actions import ActionKind, ActionTerms
from apps.trading.models import CorporateAction, Execution, Portfolio
from apps.trading.services import corporate_actions as commands
from apps.trading.services.entitlements import corporate_actions_run
from apps.trading.services.executions import execution_record
from apps.users.domain.roles import Role
from tests.trading.factories import fund, make_market, place_order
from tests.users.factories import make_user

D = Decimal


def trade(
    portfolio: Portfolio, side: str, quantity: str, price: str, *, on: str, symbol: str = "AAPL"
) -> Execution:
    """Trade at that price on that day at 15:00 UTC, with money made for it."""
    make_market(symbol, price)
    if side == "BUY":
        fund(portfolio, str(round(D(quantity) * D(price) * D("1.1"), 2)))
    order = place_order(portfolio, symbol=symbol, side=side, quantity=quantity)
    return execution_record(
        order_id=order.id,
        venue="PAPER",
        venue_execution_id=uuid4().hex,
        quantity=D(quantity),
        price=D(price),
        executed_at=datetime.combine(date.fromisoformat(on), time(15), UTC),
    )


def split(ex_date: str, new: str = "2", old: str = "1", **terms: Any) -> ActionTerms:
    return ActionTerms(
        **{
            "kind": ActionKind.SPLIT,
            "symbol": "AAPL",
            "currency": "USD",
            "ex_date": date.fromisoformat(ex_date),
            "ratio_new": D(new),
            "ratio_old": D(old),
            **terms,
        }
    )


def confirmed(terms: ActionTerms) -> CorporateAction:
    action = commands.corporate_action_propose(
        actor=make_user(Role.OPERATIONS), terms=terms, source="Issuer's press release"
    )
    return commands.corporate_action_confirm(actor=make_user(Role.OPERATIONS), action_id=action.id)


def applied(terms: ActionTerms) -> CorporateAction:
    action = confirmed(terms)
    corporate_actions_run()
    action.refresh_from_db()
    return action


def take_back(action: CorporateAction) -> None:
    commands.corporate_action_propose_reversal(
        actor=make_user(Role.OPERATIONS), action_id=action.id, reason="The ratio was wrong"
    )
    commands.corporate_action_confirm_reversal(
        actor=make_user(Role.OPERATIONS), action_id=action.id
    )
    corporate_actions_run()
    action.refresh_from_db()
