"""Fields that take what people type and give exact values, or a clear refusal."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

# An ASCII decimal, with or without groups of three: 1234.5 or 1,234.5.
TYPED_DECIMAL = re.compile(r"(?:[0-9]{1,18}|[0-9]{1,3}(?:,[0-9]{3}){1,5})(?:\.[0-9]{1,8})?")
TYPED_LENGTH = 40


class ExactField(forms.CharField):
    """A positive exact number; no exponent, no sign, no other script's digits, no NaN."""

    default_error_messages = {
        "number": "Write a number such as 1250.50.",
        "positive": "Write a number greater than zero.",
        "places": "At most %(places)d decimals are possible here.",
    }

    def __init__(self, *, places: int, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", TYPED_LENGTH)
        kwargs.setdefault(
            "widget", forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})
        )
        self.places = places
        super().__init__(**kwargs)

    def clean(self, value: Any) -> Decimal | None:
        """Return the number, or None where the field may stay empty."""
        text = super().clean(value)
        if not text:
            return None
        if not TYPED_DECIMAL.fullmatch(text):
            raise ValidationError(self.error_messages["number"], code="number")
        number = Decimal(text.replace(",", ""))
        if number <= 0:
            raise ValidationError(self.error_messages["positive"], code="positive")
        if number != round(number, self.places):
            raise ValidationError(
                self.error_messages["places"], code="places", params={"places": self.places}
            )
        return number


class AccessibleForm(forms.Form):
    """A form whose inputs name their help and their errors to assistive technology."""

    required_css_class = "required"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)

    def refuse(self, message: str, field: str | None = None) -> None:
        """Show a refusal of the domain beside the values that caused it."""
        self.add_error(field if field in self.fields else None, message)


FormFactory = Callable[..., AccessibleForm]
