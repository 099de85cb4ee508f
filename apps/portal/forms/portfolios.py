"""Opening and naming portfolios."""

from typing import Any

from django import forms

from apps.core.domain.money import MINOR_UNITS
from apps.portal.domain.wording import LOT_METHODS
from apps.portal.forms.fields import AccessibleForm
from apps.trading.selectors.venues import live_is_available

CURRENCIES = tuple((code, code) for code in sorted(MINOR_UNITS))

PAPER = (("PAPER", "Paper: real prices, play money"),)
LIVE = (("LIVE", "Live: real orders"),)


class NameForm(AccessibleForm):
    name = forms.CharField(max_length=100)


class PortfolioForm(NameForm):
    """A new portfolio; the form of the first page sends its name alone."""

    currency = forms.ChoiceField(
        choices=CURRENCIES,
        initial="USD",
        required=False,
        help_text="Instruments trade in their own currency: most here trade in USD.",
    )
    mode = forms.ChoiceField(label="Kind", choices=(*PAPER, *LIVE), required=False)
    lot_method = forms.ChoiceField(
        label="Lots are sold by",
        choices=tuple(LOT_METHODS.items()),
        required=False,
        help_text="Which purchase a sale takes first; it decides the profit that a sale realises.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not live_is_available():
            self.fields["mode"] = forms.ChoiceField(
                label="Kind",
                choices=PAPER,
                required=False,
                help_text="Live trading is not available: the firm has no live venue.",
            )

    def terms(self) -> dict[str, str]:
        """Return the keyword arguments of the command; what was left out keeps its default."""
        return {name: value for name, value in self.cleaned_data.items() if value}


class SwitchForm(forms.Form):
    portfolio = forms.UUIDField()
    next = forms.CharField(max_length=500, required=False)
