"""Wash sales by 26 CFR 1.1091-1 and 1.1091-2: the examples of the regulation, and its corners."""

from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction

import pytest

from apps.trading.domain.gains import Term, term_of
from apps.trading.domain.wash_sales import Acquisition, Disposal, TaxLine, wash_sales

D = Decimal


def bought(key: str, day: str, units: int, instrument: str = "M") -> Acquisition:
    at = datetime.fromisoformat(day).replace(hour=15, tzinfo=UTC)
    return Acquisition(key=key, instrument=instrument, at=at, units=Fraction(units))


def sold(name: str, day: str, units: int, proceeds: str, cost: str) -> Disposal:
    """Sell units of one purchase; `name` is the sale's and the purchase's."""
    key, _, of = name.partition(" ")
    at = datetime.fromisoformat(day).replace(hour=16, tzinfo=UTC)
    return Disposal(
        key=key,
        acquisition=of,
        at=at,
        units=Fraction(units),
        proceeds=D(proceeds),
        cost=D(cost),
    )


def figures(line: TaxLine) -> tuple[str, int, Decimal, Decimal, Decimal]:
    return (line.disposal, int(line.units), line.cost, line.adjustment, line.gain)


def test_wash_sales_of_the_regulations_first_example_disallow_the_loss() -> None:
    """1.1091-1(h) example 1."""
    (line,) = wash_sales(
        [bought("a", "1954-12-01", 100), bought("b", "1954-12-15", 100)],
        [sold("s a", "1955-01-03", 100, "9000", "10000")],
    )

    assert figures(line) == ("s", 100, D(10000), D(1000), D(0))


def test_wash_sales_of_the_regulations_second_example_disallow_what_was_replaced() -> None:
    """1.1091-1(h) example 2: of 100 units 75 were replaced; the loss on 25 is deductible."""
    lines = wash_sales(
        [
            bought("sep", "1954-09-21", 100),
            bought("d1", "1954-12-21", 50),
            bought("d2", "1954-12-27", 25),
        ],
        [sold("s sep", "1955-01-03", 100, "4000", "5000")],
    )

    assert [figures(line) for line in lines] == [
        ("s", 75, D(3750), D(750), D(0)),
        ("s", 25, D(1250), D(0), D(-250)),
    ]
    assert lines[0].replaced_by == ("d1", "d2")


def test_wash_sales_of_the_regulations_third_example_match_in_order_of_acquisition() -> None:
    """1.1091-1(h) example 3: of four purchases the first two replace, the others do not."""
    days = [bought(f"feb{day}", f"1956-02-{day}", 50) for day in (15, 16, 17, 18)]
    (line,) = wash_sales(
        [bought("a", "1954-09-15", 100), *reversed(days)],
        [sold("s a", "1956-02-01", 100, "4000", "5000")],
    )

    assert (line.adjustment, line.replaced_by) == (D(1000), ("feb15", "feb16"))


def test_wash_sales_add_the_loss_to_the_basis_of_what_replaces() -> None:
    """1.1091-2(a) example 1: cost 100, sold at 80, bought back at 90: basis 110."""
    lines = wash_sales(
        [bought("a", "2020-01-02", 1), bought("b", "2021-02-03", 1)],
        [
            sold("s1 a", "2021-01-20", 1, "80", "100"),
            sold("s2 b", "2021-09-01", 1, "120", "90"),
        ],
    )

    assert figures(lines[0]) == ("s1", 1, D(100), D(20), D(0))
    assert figures(lines[1]) == ("s2", 1, D(110), D(0), D(10))
    # 384 days were tacked on to what was held for 210.
    assert (lines[1].acquired, lines[1].term) == (date(2021, 2, 3), Term.LONG)


def test_wash_sales_carry_a_loss_on_and_on() -> None:
    lines = wash_sales(
        [
            bought("a", "2021-01-04", 10),
            bought("b", "2021-01-20", 10),
            bought("c", "2021-02-20", 10),
        ],
        [
            sold("s1 a", "2021-01-15", 10, "900", "1000"),
            sold("s2 b", "2021-02-10", 10, "850", "900"),
            sold("s3 c", "2021-12-01", 10, "1000", "800"),
        ],
    )

    assert [line.adjustment for line in lines] == [D(100), D(150), D(0)]
    assert [line.gain for line in lines] == [D(0), D(0), D(50)]
    # The whole way made 900 + 850 + 1000 out of 1000 + 900 + 800.
    assert sum(line.gain for line in lines) == D(50)


@pytest.mark.parametrize(
    ("day", "is_wash_sale"),
    [
        ("2021-03-02", False),
        ("2021-03-03", True),
        ("2021-05-02", True),
        ("2021-05-03", False),
    ],
    ids=["day 31 before", "day 30 before", "day 30 after", "day 31 after"],
)
def test_wash_sales_look_thirty_days_both_ways(day: str, is_wash_sale: bool) -> None:
    (line,) = wash_sales(
        [bought("a", "2020-01-02", 5), bought("b", day, 5)],
        [sold("s a", "2021-04-02", 5, "400", "500")],
    )

    assert line.is_wash_sale is is_wash_sale


@pytest.mark.parametrize(
    ("acquisitions", "disposals"),
    [
        (
            [bought("a", "2021-01-04", 10)],
            [sold("s a", "2021-01-10", 4, "300", "400")],
        ),
        (
            [bought("a", "2021-01-04", 10), bought("b", "2021-01-06", 10, "OTHER")],
            [sold("s a", "2021-01-10", 10, "300", "400")],
        ),
        (
            [bought("a", "2021-01-04", 10), bought("b", "2021-01-06", 10)],
            [
                sold("s1 a", "2021-01-10", 10, "300", "400"),
                sold("s2 b", "2021-01-10", 10, "300", "400"),
            ],
        ),
        (
            [bought("a", "2021-01-04", 10), bought("b", "2021-01-06", 10)],
            [
                sold("s1 b", "2021-01-08", 10, "500", "400"),
                sold("s2 a", "2021-01-10", 10, "300", "400"),
            ],
        ),
        (
            [bought("a", "2021-01-04", 10), bought("b", "2021-01-06", 10)],
            [sold("s a", "2021-01-10", 10, "500", "400")],
        ),
    ],
    ids=[
        "rest of the same purchase",
        "other instrument",
        "sold together",
        "sold before",
        "no loss",
    ],
)
def test_wash_sales_without_a_replacement_leave_losses_alone(
    acquisitions: list[Acquisition], disposals: list[Disposal]
) -> None:
    lines = wash_sales(acquisitions, disposals)

    assert not any(line.is_wash_sale for line in lines)
    assert len(lines) == len(disposals)


def test_wash_sales_match_a_replacement_only_once() -> None:
    lines = wash_sales(
        [
            bought("a", "2021-01-04", 10),
            bought("b", "2021-01-05", 10),
            bought("c", "2021-02-01", 5),
        ],
        [
            sold("s1 a", "2021-01-10", 10, "300", "400"),
            sold("s2 b", "2021-01-20", 10, "200", "400"),
        ],
    )

    # What replaced the first sale's units carries its loss of 100 into the second's.
    assert [figures(line) for line in lines] == [
        ("s1", 10, D(400), D(100), D(0)),
        ("s2", 5, D("250"), D("150"), D(0)),
        ("s2", 5, D("250"), D(0), D("-150")),
    ]


def test_wash_sales_in_thirds_lose_no_step() -> None:
    lines = wash_sales(
        [bought("a", "2021-01-04", 3), bought("b", "2021-01-20", 1), bought("c", "2021-01-21", 1)],
        [sold("s a", "2021-01-15", 3, "1", "2")],
    )

    assert sum(line.proceeds for line in lines) == D(1)
    assert sum(line.cost for line in lines) == D(2)
    assert sum(line.gain for line in lines) == -D(1) + lines[0].adjustment


@pytest.mark.parametrize(
    ("acquired", "sold_on", "term"),
    [
        ("2020-01-05", "2021-01-05", Term.SHORT),
        ("2020-01-05", "2021-01-06", Term.LONG),
        ("2020-02-29", "2021-02-28", Term.SHORT),
        ("2020-02-29", "2021-03-01", Term.LONG),
        ("2020-02-28", "2021-02-28", Term.SHORT),
        ("2020-02-28", "2021-03-01", Term.LONG),
        ("2019-02-28", "2020-02-29", Term.SHORT),
        ("2019-02-28", "2020-03-01", Term.LONG),
        ("2020-12-31", "2021-12-31", Term.SHORT),
        ("2020-12-31", "2022-01-01", Term.LONG),
    ],
)
def test_term_of_more_than_one_year_is_long(acquired: str, sold_on: str, term: Term) -> None:
    assert term_of(date.fromisoformat(acquired), date.fromisoformat(sold_on)) is term
