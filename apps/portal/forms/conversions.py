"""Changing money into another currency: what to change, then the quote to agree to."""

from django import forms

from apps.core.domain.money import MINOR_UNITS
from apps.portal.forms.fields import AccessibleForm, ExactField
from apps.trading.services.conversions import MAX_TOKEN_LENGTH


class ConversionForm(AccessibleForm):
    """An amount of one currency, and the currency wanted for it."""

    amount = ExactField(places=max(MINOR_UNITS.values()), label="Amount to change")
    from_currency = forms.ChoiceField(label="From")
    to_currency = forms.ChoiceField(label="To")

    def __init__(
        self, *args: object, own: list[str], currencies: list[str], **kwargs: object
    ) -> None:
        super().__init__(*args, **kwargs)
        for name, codes in (("from_currency", own), ("to_currency", currencies)):
            field = self.fields[name]
            if isinstance(field, forms.ChoiceField):
                field.choices = [(code, code) for code in codes]


class AgreementForm(AccessibleForm):
    """The signed quote as it was shown; its own id makes two clicks one conversion."""

    quote = forms.CharField(widget=forms.HiddenInput, max_length=MAX_TOKEN_LENGTH)
