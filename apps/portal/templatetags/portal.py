"""Filters for figures: money, quantities, signed changes, ages."""

from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, TypeGuard, TypeVar

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.core.domain.money import MINOR_UNITS
from apps.portal.domain import figures, wording
from apps.portal.selectors.portfolios import portfolio_choices, portfolio_chosen

register = template.Library()
# A figure of something that is missing (a quote's price where there is no quote) comes as "".
Maybe = Decimal | Literal[""] | None
T = TypeVar("T")


def is_known(value: T | Literal[""] | None) -> TypeGuard[T]:
    return value is not None and value != ""


@register.filter
def money(value: Maybe, currency: str) -> str:
    return figures.MISSING if not is_known(value) else figures.amount(value, currency)


@register.filter
def quantity(value: Maybe) -> str:
    return figures.MISSING if not is_known(value) else figures.plain(value)


@register.filter
def price(value: Maybe) -> str:
    return figures.MISSING if not is_known(value) else figures.plain(value, least_places=2)


@register.filter
def average(value: Maybe) -> str:
    """Show an average price, which is a quotient, to four decimals at most."""
    return (
        figures.MISSING if not is_known(value) else figures.plain(round(value, 4), least_places=2)
    )


@register.filter
def asset(value: Decimal, code: str) -> str:
    """Write an amount of money, or a number of units."""
    return figures.amount(value, code) if code in MINOR_UNITS else figures.plain(value)


@register.filter
def rate(value: Decimal) -> str:
    """Show an exchange rate to eight decimals."""
    return figures.plain(round(value, 8), least_places=4)


@register.filter
def basis_points(value: Decimal) -> str:
    """Write basis points as a percentage."""
    return figures.percent(value / 10_000)


@register.filter
def percent(value: Maybe) -> str:
    return figures.MISSING if not is_known(value) else figures.percent(value)


def _signed(value: Decimal, text: str) -> SafeString:
    way = figures.direction(value)
    return format_html(
        '<span class="{} nowrap"><span aria-hidden="true">{}</span>\N{NO-BREAK SPACE}{}{}</span>',
        way,
        figures.ARROWS[way],
        figures.SIGNS[way],
        text,
    )


@register.filter
def change(value: Maybe, currency: str) -> str:
    """Write a profit or loss in money with its sign, its arrow and its colour."""
    if not is_known(value):
        return figures.MISSING
    return _signed(value, figures.amount(abs(value), currency))


@register.filter
def change_percent(value: Maybe) -> str:
    """Write a ratio as a percentage with its sign, its arrow and its colour."""
    if not is_known(value):
        return figures.MISSING
    return _signed(value, figures.percent(abs(value)))


@register.filter
def words(value: str) -> str:
    """Write a stored choice (`PARTIALLY_FILLED`) as words (`Partially filled`)."""
    return value.replace("_", " ").capitalize()


@register.filter
def age(value: datetime | Literal[""] | None) -> str:
    """Write how long ago something was, in its largest unit."""
    if not is_known(value):
        return "never"
    seconds = max(int((timezone.now() - value).total_seconds()), 0)
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size}\N{NO-BREAK SPACE}{unit} ago"
    return f"{seconds}\N{NO-BREAK SPACE}s ago"


@register.inclusion_tag("portal/includes/field.html")
def field(bound: Any) -> dict[str, Any]:
    """Write a form field: label, help, errors, and the input that names both."""
    return {"field": bound}


@register.inclusion_tag("portal/includes/portfolio_bar.html", takes_context=True)
def portfolio_bar(context: Any) -> dict[str, Any]:
    """Write the switch between the client's portfolios; it leads back to the same page."""
    request = context["request"]
    choices = portfolio_choices(request.user)
    match = request.resolver_match
    # A page about one thing is not the other portfolio's: there the switch leads to the front.
    here = request.path if match and not match.kwargs.keys() - {"symbol"} else "/"
    return {
        "request": request,
        "csrf_token": context.get("csrf_token"),
        "choices": choices,
        "chosen": portfolio_chosen(choices, request.session),
        "next": here,
    }


@register.inclusion_tag("portal/includes/weight_bar.html")
def weight_bar(line: Any) -> dict[str, Any]:
    """Draw a part's share, its target and its band on a bar of 100."""
    low = max(line.target - line.band, Decimal(0))
    span = min(line.target + line.band, Decimal(1)) - low
    shares = {"low": low, "span": span, "width": min(line.weight, Decimal(1)), "goal": line.target}
    drawn = {name: f"{share * 100:.2f}" for name, share in shares.items()}
    return {**drawn, "is_outside": line.is_outside}


@register.filter
def points(value: Decimal) -> str:
    """Write a difference of shares in percentage points with its sign."""
    sign = "+" if value > 0 else figures.MINUS if value < 0 else ""
    return f"{sign}{figures.percent(abs(value))}"


@register.filter
def reason_words(code: str) -> str:
    return wording.REBALANCING.get(str(code), str(code))


@register.filter
def lot_method_words(code: str) -> str:
    return wording.LOT_METHODS.get(str(code), str(code))


@register.filter
def check_words(code: str) -> str:
    return wording.check_words(code)


@register.filter
def time_in_force_words(code: str) -> str:
    return wording.TIMES_IN_FORCE.get(str(code), str(code))


@register.filter
def signed_units(value: Decimal) -> str:
    """Write a movement of units or money with its sign."""
    return f"{'+' if value > 0 else ''}{figures.plain(value)}"


@register.filter
def period_words(code: str) -> str:
    return wording.PERIODS.get(code, code)
