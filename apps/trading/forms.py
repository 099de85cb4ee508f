"""Forms of the operations desk: what an officer types, parsed; the commands check the rest."""

from typing import Any
from uuid import UUID

from django import forms
from django.utils import timezone

from apps.trading.domain.charges import RATE_PLACES, ChargeKind
from apps.trading.domain.limits import REASON_LENGTH, LimitKind, LimitOwner, LimitScope

WORDS = [(one.value, one.value.replace("_", " ").capitalize()) for one in LimitKind]
WHEN = forms.DateTimeInput(attrs={"type": "datetime-local"})


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label="Reason (on record)",
        max_length=REASON_LENGTH,
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class LimitForm(ReasonForm):
    """A limit to propose; without a value the limit is to be lifted."""

    scope = forms.ChoiceField(
        label="It binds", choices=[(one.value, one.value.capitalize()) for one in LimitScope]
    )
    subject = forms.UUIDField(
        label="Id of the client or the portfolio", required=False, help_text="Empty for the firm."
    )
    kind = forms.ChoiceField(label="Limit", choices=WORDS)
    lifts = forms.BooleanField(label="Lift the limit", required=False)
    value = forms.DecimalField(
        label="Value",
        required=False,
        min_value=0,
        max_digits=26,
        decimal_places=8,
        help_text="Amounts in the order's currency; shares as fractions of one.",
    )
    effective_from = forms.DateTimeField(
        label="From (UTC)", required=False, widget=WHEN, help_text="Empty: when it is confirmed."
    )
    effective_to = forms.DateTimeField(
        label="Until (UTC)", required=False, widget=WHEN, help_text="Empty: until it is changed."
    )
    owner = forms.ChoiceField(
        label="Owner", choices=[(one.value, one.value.capitalize()) for one in LimitOwner]
    )
    field_order = (
        *("kind", "scope", "subject", "value", "lifts", "effective_from", "effective_to"),
        *("owner", "reason"),
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if "value" in data and (data["value"] is None) is not data["lifts"]:
            self.add_error("value", "Give a value, or say that the limit is to be lifted.")
        return data

    def terms(self) -> dict[str, Any]:
        """Return the keyword arguments of `limit_propose`."""
        data = self.cleaned_data
        scope = LimitScope(data["scope"])
        subject: UUID | None = data["subject"]
        is_portfolio = scope is LimitScope.PORTFOLIO
        return {
            "scope": scope,
            "kind": LimitKind(data["kind"]),
            "value": data["value"],
            "client_id": None if is_portfolio else subject,
            "portfolio_id": subject if is_portfolio else None,
            "effective_from": data["effective_from"],
            "effective_to": data["effective_to"],
            "owner": data["owner"],
            "reason": data["reason"],
        }


class ChargeRateForm(ReasonForm):
    """A rate to propose; without one the rate is to be ended."""

    kind = forms.ChoiceField(
        label="Charge",
        choices=[(one.value, one.value.replace("_", " ").capitalize()) for one in ChargeKind],
    )
    currency = forms.CharField(
        label="Currency", max_length=3, required=False, help_text="Of interest; empty for a fee."
    )
    portfolio_id = forms.UUIDField(
        label="Id of the portfolio", required=False, help_text="Empty for every portfolio."
    )
    rate = forms.DecimalField(
        label="Basis points a year",
        required=False,
        min_value=0,
        max_digits=9,
        decimal_places=RATE_PLACES,
        help_text="A portfolio's own rate of 0 takes the charge away for it.",
    )
    ends = forms.BooleanField(label="End the rate", required=False)
    effective_on = forms.DateField(
        label="From (UTC)",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="Empty: the day after it is confirmed.",
    )
    field_order = ("kind", "currency", "portfolio_id", "rate", "ends", "effective_on", "reason")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if "rate" in data and (data["rate"] is None) is not data["ends"]:
            self.add_error("rate", "Give a rate, or say that it is to be ended.")
        return data

    def terms(self) -> dict[str, Any]:
        """Return the keyword arguments of `charge_rate_propose`."""
        data = self.cleaned_data
        return {
            "kind": ChargeKind(data["kind"]),
            "currency": data["currency"].strip().upper(),
            "portfolio_id": data["portfolio_id"],
            "rate_bps": data["rate"],
            "effective_on": data["effective_on"],
            "reason": data["reason"],
        }


class RestrictionForm(ReasonForm):
    symbol = forms.CharField(label="Symbol", max_length=20)
    client_id = forms.UUIDField(
        label="Id of the client", required=False, help_text="Empty: nobody may trade it."
    )
    starts_at = forms.DateTimeField(
        label="From (UTC)", required=False, widget=WHEN, help_text="Empty: from now on."
    )
    ends_at = forms.DateTimeField(
        label="Until (UTC)", required=False, widget=WHEN, help_text="Empty: until it is lifted."
    )
    field_order = ("symbol", "client_id", "starts_at", "ends_at", "reason")

    def clean_symbol(self) -> str:
        return str(self.cleaned_data["symbol"]).strip().upper()

    def clean_starts_at(self) -> Any:
        """Return None for the past: what was traded was traded."""
        at = self.cleaned_data["starts_at"]
        return at if at is None or at > timezone.now() else None
