"""Which account and which days a statement is asked for."""

from typing import Any

from django import forms

from apps.portal.forms.fields import AccessibleForm


class StatementForm(AccessibleForm):
    """An account as `KIND ASSET`, and the first and last day in UTC."""

    account = forms.ChoiceField(label="Account")
    start = forms.DateField(label="From", widget=forms.DateInput(attrs={"type": "date"}))
    end = forms.DateField(label="To", widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(self, *args: Any, accounts: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        account = self.fields["account"]
        if isinstance(account, forms.ChoiceField):
            account.choices = accounts
