"""Settings of trading, and what the contexts ask of each other without importing."""

from typing import Any

from stratford import limits

# Every check an order must pass, in order; trading runs them and imports none of the others'.
PRE_TRADE_CHECKS = [
    "apps.compliance.gates.check_kyc_approved",
]
# Every check that money must pass before it moves in or out.
CASH_CHECKS = ["apps.compliance.gates.check_client_cleared"]
# What gives the names of a client as they were checked; what others pay in is held (see ADR 50).
CLIENT_NAMES = ["apps.compliance.gates.client_names"]
# Every check that a decision of an officer must pass: nobody else has it open.
DECISION_CHECKS = ["apps.compliance.services.work_locks.work_lock_require"]
# What is told of work that failed where no one waits for it.
OPERATIONS_ALERTS = ["apps.compliance.services.operations_alerts.operations_alert_raise"]
# What equity curves are measured against, where it has quotes.
BENCHMARK_SYMBOL = "SP500"
CASH_BANK = "apps.trading.providers.bank.SimulatedBank"
# Least and greatest amount of one deposit or withdrawal, in units of its currency.
CASH_LIMITS = ("1.00", "1000000.00")
# Deposits and withdrawals of one portfolio in a UTC day.
CASH_TRANSFERS_A_DAY = 100
# Currencies change at the ECB's last rate less the spread; the firm keeps to a quote for so long.
CONVERSION: dict[str, Any] = {"spread_bps": "20", "quote_seconds": 60}
# The most postings that one file of a statement has.
STATEMENT_POSTINGS = {"csv": 100_000, "pdf": 20_000}
# What `ledger_verify` checks beside its own tables: callables that yield each difference in words.
LEDGER_CHECKS = ["apps.trading.selectors.verification.position_differences"]
MAX_PORTFOLIOS_PER_CLIENT = 20
ORDER_LIMITS: dict[str, Any] = limits.ORDERS
COMMISSION: dict[str, Any] = {
    "model": "apps.trading.domain.costs.BasisPointCommission",
    "options": {"bps": "5", "minimum": "0"},
}
PAPER_VENUE: dict[str, Any] = {
    "volume_share": "0.25",
    "slippage": {"model": "apps.trading.domain.costs.NoSlippage", "options": {}},
}
# Tasks (by name) that hear every ingested batch of quotes.
QUOTE_TASKS = ["trading.match_quotes"]
