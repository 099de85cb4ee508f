"""Moving money between the simulated bank and a portfolio."""

from django import forms

from apps.core.domain.money import MINOR_UNITS
from apps.portal.forms.fields import AccessibleForm, ExactField
from apps.portal.forms.tokens import TOKEN_LENGTH


class TransferForm(AccessibleForm):
    """An amount, and the sealed key that makes two clicks one transfer."""

    amount = ExactField(places=2)
    key = forms.CharField(widget=forms.HiddenInput, max_length=TOKEN_LENGTH, required=False)

    def __init__(self, *args: object, currency: str, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        places = MINOR_UNITS[currency]
        amount = self.fields["amount"]
        amount.label = f"Amount in {currency}"
        amount.help_text = f"For example {1000:,.{places}f}"
        if isinstance(amount, ExactField):
            amount.places = places
