"""What a new API key may do, from where, and for how long."""

from django import forms
from django.conf import settings

from apps.portal.forms.fields import AccessibleForm
from apps.users.services.api_keys import NAME_LENGTH

DAYS = (7, 30, 90, 180, 365)


class ApiKeyForm(AccessibleForm):
    name = forms.CharField(max_length=NAME_LENGTH, help_text="Which program will use it.")
    mode = forms.ChoiceField(
        label="Portfolios", choices=[("PAPER", "Paper (sk_test_…)"), ("LIVE", "Live (sk_live_…)")]
    )
    scopes = forms.MultipleChoiceField(
        label="It may",
        widget=forms.CheckboxSelectMultiple,
        choices=[(name, words) for name, words in settings.API_KEY_SCOPES.items()],
    )
    days = forms.TypedChoiceField(
        label="It ends after",
        coerce=int,
        initial=90,
        choices=[(days, f"{days} days") for days in DAYS if days <= settings.API_KEYS["days_most"]],
    )
    networks = forms.CharField(
        label="Only from these networks",
        required=False,
        max_length=1000,
        help_text="Such as 203.0.113.0/24, separated by spaces. Empty means from anywhere.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    def network_list(self) -> list[str]:
        return str(self.cleaned_data["networks"]).replace(",", " ").split()
