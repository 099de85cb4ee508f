"""Target weights, plans and transfers between portfolios, as people type them."""

import re
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from apps.core.domain.instruments import QUANTITY_PLACES
from apps.portal.forms.fields import AccessibleForm, ExactField
from apps.portal.forms.tokens import TOKEN_LENGTH

LINE = re.compile(r"\s*([A-Za-z][A-Za-z0-9.\-]{0,19})[\s:=,]+([0-9]{1,3}(?:\.[0-9]{1,4})?)\s*%?\s*")
MAX_TYPED = 4000


class PercentField(ExactField):
    """A percentage that becomes a fraction of one; zero is one too."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(places=4, **kwargs)

    def clean(self, value: Any) -> Decimal | None:
        if isinstance(value, str) and value.strip() in {"0", "0.0", "0.00"}:
            return Decimal(0)
        number = super().clean(value)
        if number is not None and number > 100:
            raise ValidationError("At most 100 percent.", code="most")
        return None if number is None else number / 100


class WeightsField(forms.CharField):
    """One instrument a line with its percentage; becomes fractions of one by symbol."""

    widget = forms.Textarea(attrs={"rows": 6, "spellcheck": "false"})

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=MAX_TYPED, **kwargs)

    def clean(self, value: Any) -> dict[str, Decimal]:
        weights: dict[str, Decimal] = {}
        for line in str(super().clean(value)).splitlines():
            if not line.strip():
                continue
            found = LINE.fullmatch(line)
            if found is None:
                raise ValidationError("Write one a line, such as AAPL 40.", code="line")
            symbol = found[1].upper()
            if symbol in weights:
                raise ValidationError(f"{symbol} stands twice.", code="twice")
            weights[symbol] = Decimal(found[2]) / 100
        return weights


class TargetForm(AccessibleForm):
    weights = WeightsField(
        label="Instruments and their share in percent",
        help_text="One a line, such as AAPL 40. With the cash they make 100.",
    )
    cash = PercentField(label="Cash in percent")
    absolute_band = PercentField(
        label="Band in percentage points",
        help_text="A part may drift this far before anything is proposed.",
    )
    relative_band = PercentField(
        label="Band in percent of the share",
        required=False,
        help_text="If given, the narrower of both counts: 25 lets a share of 8 drift by 2.",
    )
    order_minimum = ExactField(label="Smallest order", places=2, required=False)
    cash_kept = ExactField(label="Cash that always stays", places=2, required=False)

    def terms(self) -> dict[str, Any]:
        """Return the keyword arguments of the command."""
        values = self.cleaned_data
        amounts = {name: values[name] or Decimal(0) for name in ("order_minimum", "cash_kept")}
        return {**values, **amounts}


class PlanForm(AccessibleForm):
    amount = ExactField(places=2)
    weights = WeightsField(
        label="Buys, in percent of the amount",
        required=False,
        help_text="One a line, such as AAPL 40. What is left stays cash.",
    )
    frequency = forms.ChoiceField(
        label="How often", choices=(("MONTHLY", "Every month"), ("WEEKLY", "Every week"))
    )
    day = forms.IntegerField(
        min_value=1,
        max_value=31,
        help_text="Of the month 1 to 31; of the week 1 (Monday) to 7.",
    )
    start_date = forms.DateField(
        label="From", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    end_date = forms.DateField(
        label="Until", required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    key = forms.CharField(widget=forms.HiddenInput, max_length=TOKEN_LENGTH, required=False)


class PlanChangeForm(AccessibleForm):
    """What of a plan can change, and what it was when the page was shown."""

    amount = ExactField(places=2)
    weights = WeightsField(
        label="Buys, in percent of the amount",
        required=False,
        help_text="One a line, such as AAPL 40. What is left stays cash.",
    )
    day = forms.IntegerField(
        min_value=1,
        max_value=31,
        help_text="Of the month 1 to 31; of the week 1 (Monday) to 7.",
    )
    end_date = forms.DateField(
        label="Until",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    version = forms.CharField(widget=forms.HiddenInput, max_length=64)


class MoveForm(AccessibleForm):
    """Cash or units for another portfolio, with the sealed key that makes two clicks one."""

    target = forms.ChoiceField(label="To")
    asset = forms.ChoiceField(label="What")
    quantity = ExactField(label="Amount or units", places=QUANTITY_PLACES)
    key = forms.CharField(widget=forms.HiddenInput, max_length=TOKEN_LENGTH, required=False)

    def __init__(
        self,
        *args: object,
        targets: list[tuple[str, str]],
        assets: list[tuple[str, str]],
        **kwargs: object,
    ) -> None:
        super().__init__(*args, **kwargs)
        for name, choices in (("target", targets), ("asset", assets)):
            field = self.fields[name]
            if isinstance(field, forms.ChoiceField):
                field.choices = choices
