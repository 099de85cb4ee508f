"""The upload of one document for the identity check."""

from typing import Any

from django import forms

from apps.compliance.selectors.kyc import document_kinds
from apps.portal.forms.fields import AccessibleForm


class DocumentForm(AccessibleForm):
    kind = forms.ChoiceField(label="Kind of document")
    expiry_date = forms.DateField(
        label="Expires on",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="Needed for a passport, identity card or driving licence.",
    )
    file = forms.FileField(
        label="File",
        max_length=200,
        help_text="JPEG, PNG or PDF, at most 8 MB.",
        widget=forms.FileInput(attrs={"accept": ".jpg,.jpeg,.png,.pdf"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kind = self.fields["kind"]
        if isinstance(kind, forms.ChoiceField):
            kind.choices = document_kinds()
