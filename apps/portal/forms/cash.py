"""Moving money between the simulated bank and a portfolio."""

from django import forms

from apps.core.domain.money import MINOR_UNITS
from apps.portal.forms.fields import AccessibleForm, ExactField
from apps.portal.forms.tokens import TOKEN_LENGTH
from apps.trading.domain.parties import MAX_NAME, Party, payee_of

PAYEE = ("payee_name", "payee_account", "payee_country")
# An account with the spaces that people type.
TYPED_ACCOUNT = 60


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


class WithdrawalForm(TransferForm):
    """A payee is named in full or not at all: then the money goes to the client's own account."""

    payee_name = forms.CharField(
        label="Payee's name",
        required=False,
        max_length=MAX_NAME,
        help_text="Leave the payee empty to send the money to your own account.",
    )
    payee_account = forms.CharField(
        label="Payee's IBAN or account number", required=False, max_length=TYPED_ACCOUNT
    )
    payee_country = forms.CharField(
        label="Country of the account",
        required=False,
        max_length=2,
        help_text="Two letters, for example GB",
    )
    field_order = ("amount", "payee_name", "payee_account", "payee_country")

    @property
    def payee(self) -> Party | None:
        """The payee; raises Refused for one that no bank would take."""
        given = [self.cleaned_data[name].strip() for name in PAYEE]
        if not any(given):
            return None
        name, account, country = given
        return payee_of(name, account, country.upper())
