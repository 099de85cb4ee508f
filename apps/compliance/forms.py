"""Forms of the desk's pages; what they hold is checked again by the commands."""

from typing import Any

from django import forms
from django.contrib.admin.helpers import ActionForm

from apps.compliance.domain.reasons import MAX_REASON
from apps.compliance.models import WatchlistEntity
from apps.compliance.selectors.work_items import officers
from apps.compliance.services.watchlists import MAX_CODE
from apps.infrastructure.outbound import URL_LENGTH

MAX_FILE = 5_000_000


class SourceForm(forms.Form):
    list_code = forms.CharField(
        max_length=MAX_CODE, label="List", help_text="OFAC-SDN, OFAC-CONS, UN, EU, UK, …"
    )
    url = forms.CharField(max_length=URL_LENGTH, label="Address", help_text="https only")
    interval_hours = forms.IntegerField(
        min_value=1, max_value=168, initial=6, label="Ask every (hours)"
    )


class EntryForm(forms.Form):
    """An entry of the firm's own list, by the columns of its CSV."""

    uid = forms.CharField(max_length=100, label="Id", help_text="Letters, digits, . _ -")
    kind = forms.ChoiceField(choices=WatchlistEntity.Kind.choices)
    name = forms.CharField(max_length=400)
    aliases = forms.CharField(required=False, max_length=5000, help_text="Separated by ;")
    weak_aliases = forms.CharField(required=False, max_length=5000, help_text="Separated by ;")
    birth_dates = forms.CharField(
        required=False, max_length=500, help_text="YYYY-MM-DD or a year, separated by ;"
    )
    nationalities = forms.CharField(required=False, max_length=500, help_text="Separated by ;")
    countries = forms.CharField(required=False, max_length=500, help_text="Separated by ;")
    gender = forms.ChoiceField(
        required=False, choices=[("", "Not known"), *WatchlistEntity.Gender.choices]
    )
    identifiers = forms.CharField(
        required=False, max_length=2000, help_text="PASSPORT:X1234567:DE, separated by ;"
    )
    programmes = forms.CharField(
        required=False, max_length=500, label="Grounds", help_text="Separated by ;"
    )
    remarks = forms.CharField(required=False, max_length=2000, widget=forms.Textarea({"rows": 2}))
    reason = forms.CharField(
        max_length=MAX_REASON, label="Why (on record)", widget=forms.Textarea({"rows": 2})
    )


class ReplaceForm(forms.Form):
    """A whole own list as CSV."""

    file = forms.FileField(label="CSV in UTF-8", allow_empty_file=False)
    reason = forms.CharField(
        max_length=MAX_REASON, label="Why (on record)", widget=forms.Textarea({"rows": 2})
    )

    def content(self) -> bytes:
        """Return the file; raises ValidationError for one that is too large."""
        file = self.cleaned_data["file"]
        if file.size > MAX_FILE:
            raise forms.ValidationError("The file has at most 5 MB.")
        data: bytes = file.read()
        return data


class WorkActionForm(ActionForm):
    """What stands beside the actions of the queue: for a supervisor, to whom."""

    officer = forms.ChoiceField(required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["officer"] = forms.ChoiceField(
            choices=[("", "Officer"), *((str(one.pk), str(one)) for one in officers())],
            required=False,
            label="Officer",
        )
