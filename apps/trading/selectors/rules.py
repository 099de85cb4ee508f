"""The rules that bind an order: the firm's switch, the restricted list, the limits in force."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from apps.infrastructure.prepared import run_prepared
from apps.trading.domain.limits import LimitInForce, LimitKind, LimitScope
from apps.trading.domain.risk import FirmState
from apps.trading.models import Portfolio

# One question in the path of every order; each row is (what, scope, name, value).
RULES_IN_FORCE = """
SELECT 'SWITCH', '', '', state FROM trading_firmswitch
UNION ALL
SELECT 'RESTRICTION', '', '', '' FROM trading_restriction
 WHERE symbol = %s AND lifted_at IS NULL AND starts_at <= %s
   AND (ends_at IS NULL OR ends_at > %s)
   AND (client_id IS NULL OR client_id = %s)
UNION ALL
SELECT 'LIMIT', scope, kind, value::text FROM (
    SELECT DISTINCT ON (scope, kind) scope, kind, value FROM trading_tradinglimit
     WHERE status = 'CONFIRMED' AND effective_from <= %s
       AND (effective_to IS NULL OR effective_to > %s)
       AND (scope = 'FIRM' OR client_id = %s
            OR portfolio_id = %s)
     ORDER BY scope, kind, version DESC
 ) AS newest WHERE value IS NOT NULL
"""


@dataclass(frozen=True, slots=True)
class Rules:
    firm_state: FirmState
    limits: tuple[LimitInForce, ...]
    is_restricted: bool


def rules_read(portfolio: Portfolio, symbol: str, at: datetime) -> Rules:
    """Return what binds an order of the portfolio in the symbol, in one query."""
    whom = (portfolio.client_id, portfolio.id)
    rows = run_prepared(RULES_IN_FORCE, [symbol, at, at, portfolio.client_id, at, at, *whom])
    states = [FirmState(value) for what, _, _, value in rows if what == "SWITCH"]
    return Rules(
        firm_state=states[0] if states else FirmState.ACTIVE,
        limits=tuple(
            LimitInForce(LimitScope(scope), LimitKind(name), Decimal(value))
            for what, scope, name, value in rows
            if what == "LIMIT"
        ),
        is_restricted=any(what == "RESTRICTION" for what, *_ in rows),
    )
