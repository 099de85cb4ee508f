"""Monitoring scenarios: from a client's movements and parameters to what should be looked at.

Windows are closed at both ends: two movements exactly `window_hours` apart are in one window.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation

from apps.core.errors import InvalidInput

Parameters = Mapping[str, Decimal]
# No window may be longer, so no run reads more history than twice this.
MAX_WINDOW = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Flow:
    """One movement of a client: DEPOSIT, WITHDRAWAL, TRADE, INTERNAL (between own portfolios) or
    IN_KIND (holdings from elsewhere); amounts are positive.
    """

    reference: str
    kind: str
    amount: Decimal
    currency: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class Measure:
    """One threshold of the rule and what was measured against it."""

    name: str
    threshold: Decimal
    measured: Decimal
    contribution: Decimal = field(default=Decimal(0))


@dataclass(frozen=True, slots=True)
class Finding:
    """The movements that made it, in time order; `score` is 0 to 1."""

    flows: tuple[Flow, ...]
    score: Decimal
    measures: tuple[Measure, ...]

    @property
    def window(self) -> tuple[datetime, datetime]:
        return self.flows[0].occurred_at, self.flows[-1].occurred_at


def parameters_parse(
    parameters: Mapping[str, object], bounds: Mapping[str, Sequence[object]]
) -> dict[str, Decimal]:
    """Return the parameters as exact numbers.

    `bounds` names every parameter and its [lowest, highest] value, both allowed.  Raises
    InvalidInput for a parameter that is missing, unknown, no number or out of bounds.
    """
    if parameters.keys() != bounds.keys():
        raise InvalidInput("The parameters are not those of the scenario.", field="parameters")
    parsed: dict[str, Decimal] = {}
    for name, value in parameters.items():
        low, high = (Decimal(str(bound)) for bound in bounds[name])
        try:
            number = Decimal(str(value))
        except InvalidOperation as error:
            raise InvalidInput(f"{name} is not a number.", field=name) from error
        if not number.is_finite() or not low <= number <= high:
            raise InvalidInput(f"{name} is not between {low} and {high}.", field=name)
        parsed[name] = number
    return parsed


def structuring(flows: Sequence[Flow], parameters: Parameters) -> list[Finding]:
    """Find deposits kept just below the reporting threshold.

    At least `minimum_count` deposits with `minimum_amount` ≤ amount < `reporting_threshold`
    within `window_hours`.  Windows that overlap make one finding.
    Source: 31 USC 5324 and 31 CFR 1010.311 (reports above 10,000 USD).
    """
    window = _hours(parameters)
    deposits = [
        flow
        for flow in _in_order(flows)
        if flow.kind == "DEPOSIT"
        and parameters["minimum_amount"] <= flow.amount < parameters["reporting_threshold"]
    ]
    needed = int(parameters["minimum_count"])
    spans: list[tuple[int, int, int]] = []  # first and last index, most deposits in one window
    start = 0
    for end, flow in enumerate(deposits):
        while flow.occurred_at - deposits[start].occurred_at > window:
            start += 1
        count = end - start + 1
        if count < needed:
            continue
        if spans and start <= spans[-1][1]:
            spans[-1] = (spans[-1][0], end, max(spans[-1][2], count))
        else:
            spans.append((start, end, count))
    return [
        _structuring_finding(deposits[first : last + 1], count, parameters)
        for first, last, count in spans
    ]


def _structuring_finding(deposits: list[Flow], count: int, parameters: Parameters) -> Finding:
    needed = parameters["minimum_count"]
    amounts = [flow.amount for flow in deposits]
    score = min(Decimal(1), Decimal("0.5") + (count - needed) / (2 * needed))
    return Finding(
        flows=tuple(deposits),
        score=score,
        measures=(
            Measure("deposits_in_window", needed, Decimal(count), score),
            Measure("smallest_amount", parameters["minimum_amount"], min(amounts)),
            Measure("largest_amount", parameters["reporting_threshold"], max(amounts)),
            Measure("total_amount", parameters["reporting_threshold"], sum(amounts, Decimal(0))),
        ),
    )


def rapid_in_out(flows: Sequence[Flow], parameters: Parameters) -> list[Finding]:
    """Find money that came in and left again without being invested.

    From a deposit on, within `window_hours`: deposits of at least `minimum_in`, of which at least
    `out_share` was withdrawn and at most `trade_share` traded, at the time of some withdrawal.
    Source: FATF, Money Laundering and Terrorist Financing in the Securities Sector (2009).
    """
    ordered = _in_order(flows)
    window = _hours(parameters)
    findings: list[Finding] = []
    for index, anchor in enumerate(ordered):
        covered = findings and anchor in findings[-1].flows
        if anchor.kind != "DEPOSIT" or covered:
            continue
        within = [
            flow for flow in ordered[index:] if flow.occurred_at - anchor.occurred_at <= window
        ]
        finding = _rapid_finding(within, parameters)
        if finding is not None:
            findings.append(finding)
    return findings


def _rapid_finding(within: list[Flow], parameters: Parameters) -> Finding | None:
    """Return what the last withdrawal at which the rule holds makes, if any does."""
    sums = {"DEPOSIT": Decimal(0), "WITHDRAWAL": Decimal(0), "TRADE": Decimal(0)}
    finding: Finding | None = None
    for position, flow in enumerate(within):
        if flow.kind not in sums:
            continue
        sums[flow.kind] += flow.amount
        money_in, out, traded = sums["DEPOSIT"], sums["WITHDRAWAL"], sums["TRADE"]
        if (
            flow.kind != "WITHDRAWAL"
            or money_in < parameters["minimum_in"]
            or out < parameters["out_share"] * money_in
            or traded > parameters["trade_share"] * money_in
        ):
            continue
        share = out / money_in
        score = min(Decimal(1), share)
        finding = Finding(
            flows=tuple(item for item in within[: position + 1] if item.kind in MONEY),
            score=score,
            measures=(
                Measure("money_in", parameters["minimum_in"], money_in),
                Measure("share_withdrawn", parameters["out_share"], round(share, 4), score),
                Measure("share_traded", parameters["trade_share"], round(traded / money_in, 4)),
            ),
        )
    return finding


RULES: dict[str, Callable[[Sequence[Flow], Parameters], list[Finding]]] = {
    "STRUCTURING": structuring,
    "RAPID_IN_OUT": rapid_in_out,
}
KIND_ORDER = {"DEPOSIT": 0, "IN_KIND": 1, "INTERNAL": 2, "TRADE": 3, "WITHDRAWAL": 4}
MONEY = frozenset({"DEPOSIT", "WITHDRAWAL"})


def scenario_run(code: str, flows: Sequence[Flow], parameters: Parameters) -> list[Finding]:
    """Run one rule of the catalogue over the movements of one client in one currency."""
    return RULES[code](flows, parameters)


def _in_order(flows: Sequence[Flow]) -> list[Flow]:
    return sorted(flows, key=lambda f: (f.occurred_at, KIND_ORDER[f.kind], f.reference))


def _hours(parameters: Parameters) -> timedelta:
    return timedelta(hours=float(parameters["window_hours"]))
