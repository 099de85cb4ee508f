"""How codes, figures and references are written on the desk's pages."""

from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.compliance.domain.wording import event_words, plain

register = template.Library()
AMOUNTS = frozenset(
    (
        *("amount", "smallest_amount", "largest_amount", "total_amount", "money_in"),
        *("minimum_amount", "reporting_threshold", "minimum_in"),
    )
)
SHOWN = 8


@register.filter
def words(code: str) -> str:
    """Write a code in plain words."""
    return plain(str(code))


@register.filter
def happened(name: str) -> str:
    """Write an event's name in plain words."""
    return event_words(name)


@register.filter
def figure(value: Any, name: str = "") -> str:
    """Write a fact: amounts with two decimals and groups, times in UTC, lists with commas."""
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = f"{value.normalize():,f}" if isinstance(value, Decimal) and value else str(value)
    if name.endswith("_at"):
        return f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M}"
    if name in AMOUNTS:
        return f"{_exact(text):,.2f}"
    if name in ("disposition", "reason_code"):
        return plain(text)
    return text


@register.simple_tag
def short(reference: Any) -> SafeString:
    """Write the beginning of an id or a hash; all of it is in the title."""
    text = str(reference)
    if len(text) <= SHOWN + 4:
        return format_html("<code>{}</code>", text)
    return format_html('<code title="{}">{}…</code>', text, text[:SHOWN])


def _exact(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise template.TemplateSyntaxError(f"{text} is no amount") from error
