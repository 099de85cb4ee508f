"""Corporate actions on real prices: proposed, confirmed by another, applied once, taken back."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.core.errors import Conflict, InvalidInput, NotPermitted
from apps.ledger.domain.legs import AccountKind
from apps.ledger.selectors import balance_get, ledger_differences
from apps.market.models import LastQuote
from apps.market.providers.packaged import bar_files
from apps.market.selectors import quote_get
from apps.trading.domain.corporate_actions import (
    ActionKind,
    ActionTerms,
    PriceDay,
    candidates,
)
from apps.trading.models import CorporateAction, Entitlement, Lot, Portfolio
from apps.trading.selectors.corporate_actions import action_preview
from apps.trading.selectors.positions import position_list
from apps.trading.services import corporate_actions as commands
from apps.trading.services.entitlements import (
    corporate_action_apply,
    corporate_actions_run,
)
from apps.users.domain.roles import Role
from apps.users.models import User
from tests.market.factories import put_quote
from tests.trading.factories import fund, make_market, make_portfolio, place_order
from tests.trading.issuers import applied, confirmed, split, take_back, trade
from tests.users.factories import make_user

pytestmark = pytest.mark.django_db
D = Decimal


@pytest.fixture(scope="module")
def history() -> dict[str, list[PriceDay]]:
    days: dict[str, list[PriceDay]] = {}
    for bar in bar_files()[-1].bars():
        if bar.open is not None and bar.close is not None:
            day = PriceDay(
                day=bar.day, open=bar.open, close=bar.close, adjusted_close=bar.adjusted_close
            )
            days.setdefault(bar.symbol, []).append(day)
    return days


@pytest.fixture
def portfolio() -> Portfolio:
    return make_portfolio()


def paid(kind: ActionKind, symbol: str, amount: str, ex_date: str, pay_date: str) -> ActionTerms:
    return ActionTerms(
        kind=kind,
        symbol=symbol,
        currency="USD",
        ex_date=date.fromisoformat(ex_date),
        pay_date=date.fromisoformat(pay_date),
        amount=D(amount),
    )


def units(portfolio: Portfolio, symbol: str = "AAPL") -> Decimal:
    return balance_get(portfolio.id, AccountKind.SECURITIES, symbol)


def open_lots(portfolio: Portfolio) -> list[tuple[Decimal, Decimal, date]]:
    return [
        (lot.remaining_quantity, lot.remaining_cost, lot.acquired_at.date())
        for lot in Lot.objects.of(portfolio.id).open()
    ]


def test_candidates_of_real_history_are_the_splits_and_the_special_dividend_only(
    history: dict[str, list[PriceDay]],
) -> None:
    apple, microsoft = candidates(history["AAPL"]), candidates(history["MSFT"])

    splits = [(one.ex_date.isoformat(), one.ratio) for one in apple if one.ratio]
    assert splits == [("2000-06-21", (2, 1)), ("2005-02-28", (2, 1))]
    assert [(one.ex_date.isoformat(), one.ratio) for one in microsoft if one.ratio] == [
        ("2003-02-18", (2, 1))
    ]
    special = [one for one in microsoft if one.kind is ActionKind.SPECIAL_DIVIDEND]
    assert [one.ex_date.isoformat() for one in special] == ["2004-11-15"]
    # The file's adjusted closes say 3.03 where 3.00 was paid: a candidate is looked up.
    assert special[0].amount == D("3.0295")
    assert len([one for one in microsoft if one.kind is ActionKind.DIVIDEND]) == 36
    # A profit warning: 53.50 fell to 25.75.
    assert date(2000, 9, 29) not in {one.ex_date for one in apple}


def test_candidates_without_adjusted_prices_take_a_jump_and_leave_the_profit_warning_alone(
    history: dict[str, list[PriceDay]],
) -> None:
    raw = [
        PriceDay(day=one.day, open=one.open, close=one.close, adjusted_close=one.close)
        for one in history["AAPL"]
    ]

    found = [(one.ex_date.isoformat(), one.ratio, one.evidence) for one in candidates(raw)]

    assert found == [
        ("2000-06-21", (2, 1), "PRICE_JUMP"),
        ("2005-02-28", (2, 1), "PRICE_JUMP"),
    ]


def test_two_splits_of_real_apple_history_leave_units_lots_and_costs_right(
    portfolio: Portfolio, history: dict[str, list[PriceDay]]
) -> None:
    closes = {one.day.isoformat(): str(one.close) for one in history["AAPL"]}
    trade(portfolio, "BUY", "100", closes["2000-03-01"], on="2000-03-01")
    trade(portfolio, "BUY", "33", closes["2000-05-01"], on="2000-05-01")
    before = open_lots(portfolio)

    applied(split("2000-06-21"))
    assert [lot[0] for lot in open_lots(portfolio)] == [200, 66]
    trade(portfolio, "BUY", "10", closes["2000-09-29"], on="2000-09-29")
    applied(split("2005-02-28"))

    put_quote("AAPL", closes["2005-02-28"], closes["2005-02-28"])
    (position,) = position_list(portfolio.id)
    assert position.quantity == units(portfolio) == 552
    assert position.market_value == D("44.86") * 552
    lots = open_lots(portfolio)
    assert [lot[0] for lot in lots] == [400, 132, 20]
    # Costs and days of acquisition are those of the purchases.
    assert [lot[1:] for lot in lots[:2]] == [lot[1:] for lot in before]
    assert lots[0][1] == D("13037.52")
    assert position.cost == sum(lot[1] for lot in lots)
    assert list(ledger_differences()) == []


def test_split_and_special_dividend_of_real_microsoft_history_pay_who_held_before_the_ex_date(
    portfolio: Portfolio, history: dict[str, list[PriceDay]]
) -> None:
    closes = {one.day.isoformat(): str(one.close) for one in history["MSFT"]}
    trade(portfolio, "BUY", "50", closes["2003-02-14"], on="2003-02-14", symbol="MSFT")
    applied(split("2003-02-18", symbol="MSFT"))
    trade(portfolio, "SELL", "20", closes["2004-11-12"], on="2004-11-12", symbol="MSFT")
    trade(portfolio, "SELL", "30", closes["2004-11-15"], on="2004-11-15", symbol="MSFT")
    trade(portfolio, "BUY", "5", closes["2004-11-15"], on="2004-11-15", symbol="MSFT")
    other = make_portfolio()
    trade(other, "BUY", "7", closes["2004-11-15"], on="2004-11-15", symbol="MSFT")
    cash = balance_get(portfolio.id, AccountKind.CASH, "USD")

    applied(paid(ActionKind.SPECIAL_DIVIDEND, "MSFT", "3.00", "2004-11-15", "2004-12-02"))

    # 100 units after the split, 20 of them sold before the ex date.
    entitlement = Entitlement.objects.get(action__kind="SPECIAL_DIVIDEND")
    assert (entitlement.portfolio, entitlement.units, entitlement.net) == (portfolio, D(80), D(240))
    assert balance_get(portfolio.id, AccountKind.CASH, "USD") == cash + 240
    assert units(portfolio, "MSFT") == 55
    assert list(ledger_differences()) == []


def test_run_twice_applies_each_portfolio_once(portfolio: Portfolio) -> None:
    trade(portfolio, "BUY", "10", "100", on="2020-01-02")
    action = applied(split("2020-08-31", "4"))

    assert corporate_actions_run() == 0
    again = corporate_action_apply(action_id=action.id, portfolio_id=portfolio.id)

    assert again == Entitlement.objects.get()
    assert (action.status, units(portfolio)) == ("APPLIED", D(40))


def test_run_stopped_between_portfolios_goes_on_where_it_was(portfolio: Portfolio) -> None:
    other = make_portfolio()
    for one in (portfolio, other):
        trade(one, "BUY", "10", "100", on="2020-01-02")
    action = confirmed(split("2020-08-31"))
    corporate_action_apply(action_id=action.id, portfolio_id=other.id)

    assert corporate_actions_run() == 1

    action.refresh_from_db()
    assert action.status == "APPLIED"
    assert (units(portfolio), units(other)) == (D(20), D(20))


def test_split_restates_the_last_quote_once_and_values_positions_alike(
    portfolio: Portfolio,
) -> None:
    trade(portfolio, "BUY", "10", "100", on="2020-01-02")
    put_quote("AAPL", "99", "101", last="100", at=datetime(2020, 8, 28, tzinfo=UTC))

    applied(split("2020-08-31", "4"))

    quote = quote_get("AAPL")
    assert quote is not None
    assert (quote.bid, quote.last, quote.ask) == (D("24.75"), D(25), D("25.25"))
    assert position_list(portfolio.id)[0].market_value == 1000
    put_quote("AAPL", "26", "26", at=datetime(2020, 8, 31, 14, tzinfo=UTC))
    corporate_actions_run()
    assert LastQuote.objects.get().last == 26


def test_reverse_split_pays_the_fraction_in_cash_and_keeps_the_rest_of_the_cost(
    portfolio: Portfolio,
) -> None:
    trade(portfolio, "BUY", "100", "1", on="2020-01-02")
    trade(portfolio, "BUY", "7", "2", on="2020-02-03")
    cost = sum(lot[1] for lot in open_lots(portfolio))
    cash = balance_get(portfolio.id, AccountKind.CASH, "USD")

    applied(split("2020-08-31", "1", "10", cash_in_lieu=D("12.30")))

    assert units(portfolio) == 10
    assert balance_get(portfolio.id, AccountKind.CASH, "USD") == cash + D("8.61")
    gone = Lot.objects.get(consumptions__proceeds__isnull=False).consumptions.get()
    assert (gone.quantity, gone.proceeds) == (D("0.7"), D("8.61"))
    assert sum(lot[1] for lot in open_lots(portfolio)) == cost - gone.cost
    assert list(ledger_differences()) == []


def test_forward_split_carries_open_orders_over(portfolio: Portfolio) -> None:
    trade(portfolio, "BUY", "10", "100", on="2020-01-02")
    fund(portfolio, "1000")
    buy = place_order(
        portfolio, order_type="LIMIT", quantity="5", limit_price="95.01", time_in_force="GTC"
    )
    sell = place_order(
        portfolio,
        side="SELL",
        order_type="STOP",
        quantity="4",
        stop_price="90.01",
        time_in_force="GTC",
    )

    applied(split("2020-08-31"))

    buy.refresh_from_db()
    sell.refresh_from_db()
    assert (buy.status, buy.quantity, buy.limit_price) == ("NEW", 10, D("47.50"))
    assert (sell.status, sell.quantity, sell.stop_price) == ("NEW", 8, D("45.01"))
    assert (sell.held_amount, units(portfolio)) == (D(8), D(12))
    assert list(ledger_differences()) == []


def test_split_reaches_the_orders_of_a_portfolio_without_units(portfolio: Portfolio) -> None:
    make_market()
    fund(portfolio, "1000")
    buy = place_order(
        portfolio, order_type="LIMIT", quantity="5", limit_price="95.01", time_in_force="GTC"
    )
    action = confirmed(split("2020-08-31"))
    later = place_order(portfolio, order_type="LIMIT", limit_price="47", time_in_force="GTC")
    [row] = action_preview(action)

    corporate_actions_run()
    corporate_actions_run()

    buy.refresh_from_db()
    later.refresh_from_db()
    action.refresh_from_db()
    assert (row.portfolio, row.effect.units, row.open_orders) == (portfolio, D(0), 1)
    assert (buy.status, buy.quantity, buy.limit_price) == ("NEW", 10, D("47.50"))
    assert (later.quantity, later.limit_price) == (1, 47), "it was placed in the new units"
    assert action.status == "APPLIED"
    assert list(ledger_differences()) == []

    take_back(action)

    buy.refresh_from_db()
    assert (action.status, buy.status) == ("REVERSED", "CANCELED")


@pytest.mark.parametrize(
    "terms",
    [
        split("2020-08-31", "1", "2", cash_in_lieu=D(200)),
        ActionTerms(
            kind=ActionKind.DELISTING,
            symbol="AAPL",
            currency="USD",
            ex_date=date(2020, 8, 31),
            amount=D("110.5"),
        ),
        ActionTerms(
            kind=ActionKind.SYMBOL_CHANGE,
            symbol="AAPL",
            currency="USD",
            ex_date=date(2020, 8, 31),
            new_symbol="APL",
        ),
    ],
    ids=["reverse split", "delisting", "symbol change"],
)
def test_other_actions_cancel_open_orders_and_their_reversal_restores_the_lots(
    portfolio: Portfolio, terms: ActionTerms
) -> None:
    trade(portfolio, "BUY", "11", "100", on="2020-01-02")
    before, cash = open_lots(portfolio), balance_get(portfolio.id, AccountKind.CASH, "USD")
    order = place_order(portfolio, side="SELL", order_type="LIMIT", quantity="4", limit_price="105")

    action = applied(terms)

    order.refresh_from_db()
    assert (order.status, order.reason_code) == ("CANCELED", "corporate_action")
    assert list(ledger_differences()) == []
    assert open_lots(portfolio) != before or terms.new_symbol
    assert (
        units(portfolio, terms.new_symbol or "AAPL")
        == ({"SPLIT": 5, "DELISTING": 0, "SYMBOL_CHANGE": 11}[terms.kind])
    )

    take_back(action)

    assert units(portfolio) == 11
    assert open_lots(portfolio) == before
    assert {lot.symbol for lot in Lot.objects.open()} == {"AAPL"}
    assert balance_get(portfolio.id, AccountKind.CASH, "USD") == cash
    assert list(ledger_differences()) == []


def test_reversed_split_can_be_entered_again_with_the_right_ratio(portfolio: Portfolio) -> None:
    trade(portfolio, "BUY", "10", "100", on="2020-01-02")
    before = open_lots(portfolio)
    wrong = applied(split("2020-08-31", "3"))

    take_back(wrong)
    applied(split("2020-08-31", "4"))

    assert wrong.status == "REVERSED"
    assert [lot[0] for lot in open_lots(portfolio)] == [40]
    assert [lot[1:] for lot in open_lots(portfolio)] == [lot[1:] for lot in before]
    assert list(ledger_differences()) == []


def test_reversal_of_a_split_whose_units_were_sold_waits_and_changes_nothing(
    portfolio: Portfolio,
) -> None:
    trade(portfolio, "BUY", "10", "100", on="2020-01-02")
    action = applied(split("2020-08-31"))
    trade(portfolio, "SELL", "5", "50", on="2020-09-01")

    take_back(action)

    assert action.status == "REVERSING"
    assert units(portfolio) == 15
    assert not Entitlement.objects.exclude(reversed_at=None).exists()


def test_reversed_dividend_takes_the_cash_and_its_tax_back(portfolio: Portfolio) -> None:
    trade(portfolio, "BUY", "10", "100", on="2020-01-02")
    cash = balance_get(portfolio.id, AccountKind.CASH, "USD")
    terms = ActionTerms(
        kind=ActionKind.DIVIDEND,
        symbol="AAPL",
        currency="USD",
        ex_date=date(2020, 5, 8),
        pay_date=date(2020, 5, 14),
        amount=D("0.82"),
        withholding_rate=D("0.15"),
    )

    action = applied(terms)
    assert balance_get(portfolio.id, AccountKind.CASH, "USD") == cash + D("6.97")
    take_back(action)

    assert balance_get(portfolio.id, AccountKind.CASH, "USD") == cash
    assert list(ledger_differences()) == []


def test_dividend_waits_for_its_pay_date(portfolio: Portfolio) -> None:
    trade(portfolio, "BUY", "10", "100", on="2020-01-02")
    confirmed(paid(ActionKind.DIVIDEND, "AAPL", "1", "2020-05-08", "2020-05-14"))

    assert corporate_actions_run(on=date(2020, 5, 13)) == 0
    assert corporate_actions_run(on=date(2020, 5, 14)) == 1


def test_proposer_cannot_confirm_and_nothing_changes(portfolio: Portfolio) -> None:
    trade(portfolio, "BUY", "10", "100", on="2020-01-02")
    officer = make_user(Role.OPERATIONS)
    action = commands.corporate_action_propose(
        actor=officer, terms=split("2020-08-31"), source="Issuer's press release"
    )

    with pytest.raises(NotPermitted) as caught:
        commands.corporate_action_confirm(actor=officer, action_id=action.id)
    assert caught.value.code == "four_eyes"
    with pytest.raises(IntegrityError), transaction.atomic():
        CorporateAction.objects.update(
            status="CONFIRMED", confirmed_by=officer, confirmed_at=timezone.now()
        )

    assert corporate_actions_run() == 0
    assert (CorporateAction.objects.get().status, units(portfolio)) == ("PROPOSED", D(10))


def test_terms_of_an_action_are_kept_by_the_database(portfolio: Portfolio) -> None:
    make_market()
    action = confirmed(split("2020-08-31"))

    with pytest.raises(Exception, match="do not change"), transaction.atomic():
        CorporateAction.objects.filter(id=action.id).update(ratio_new=3)

    assert CorporateAction.objects.get().ratio_new == 2


def test_client_cannot_propose(portfolio: Portfolio) -> None:
    make_market()
    client: User = portfolio.client

    with pytest.raises(NotPermitted):
        commands.corporate_action_propose(
            actor=client, terms=split("2020-08-31"), source="Issuer's press release"
        )

    assert not CorporateAction.objects.exists()


def test_same_action_twice_is_refused() -> None:
    make_market()
    confirmed(split("2020-08-31"))

    with pytest.raises(Conflict) as caught:
        confirmed(split("2020-08-31", "3"))

    assert caught.value.code == "action_known"


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        ({"ratio_old": None}, "ratio_old"),
        ({"ratio_new": D(1)}, "ratio_new"),
        ({"ratio_new": D(-2)}, "ratio_new"),
        ({"ratio_new": D("1e30")}, "ratio_new"),
        ({"amount": D(3)}, "amount"),
        ({"withholding_rate": D("0.1")}, "withholding_rate"),
        ({"new_symbol": "APL"}, "new_symbol"),
        ({"currency": "EUR"}, "currency"),
        ({"pay_date": date(2020, 9, 1)}, "pay_date"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_terms_that_do_not_fit_the_kind_are_refused(terms: dict[str, Any], field: str) -> None:
    make_market()

    with pytest.raises(InvalidInput) as caught:
        confirmed(split("2020-08-31", **terms))

    assert caught.value.facts["field"] == field
    assert not CorporateAction.objects.exists()


def test_preview_names_portfolios_units_and_orders(portfolio: Portfolio) -> None:
    trade(portfolio, "BUY", "10", "100", on="2020-01-02")
    place_order(portfolio, side="SELL", order_type="LIMIT", quantity="4", limit_price="105")
    action = confirmed(split("2020-08-31"))

    (row,) = action_preview(action)

    assert (row.portfolio, row.effect.units, row.effect.units_after) == (portfolio, D(10), D(20))
    assert row.open_orders == 1
