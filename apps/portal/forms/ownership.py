"""What a party holds, as a form."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from django import forms

from apps.compliance.domain.ownership import Role
from apps.compliance.selectors.ownership import OwnershipView
from apps.portal.forms.fields import AccessibleForm, ExactField

ROLE_CHOICES = (
    (Role.DIRECTOR, "Director or board member"),
    (Role.SENIOR_MANAGER, "Senior manager"),
    (Role.SETTLOR, "Settlor or founder"),
    (Role.TRUSTEE, "Trustee"),
    (Role.PROTECTOR, "Protector"),
    (Role.BENEFICIARY, "Beneficiary"),
    (Role.OTHER_CONTROL, "Control by other means"),
)
ENTITY = "ENTITY"


class HoldingForm(AccessibleForm):
    owner = forms.ChoiceField(label="Who")
    owned = forms.ChoiceField(label="In which company, trust or foundation")
    shares = ExactField(
        places=6, label="Per cent of the shares", required=False, help_text="Such as 33.333333."
    )
    votes = ExactField(
        places=6,
        label="Per cent of the votes",
        required=False,
        help_text="Only where they differ from the shares.",
    )
    roles = forms.MultipleChoiceField(
        label="Roles",
        choices=ROLE_CHOICES,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: Any, ownership: OwnershipView, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        entity = [(ENTITY, ownership.entity)]
        parties = [(str(one.id), one.name) for one in ownership.parties]
        companies = [(str(one.id), one.name) for one in ownership.parties if one.kind == "COMPANY"]
        self.fields["owner"] = forms.ChoiceField(label="Who", choices=[*parties, *entity])
        self.fields["owned"] = forms.ChoiceField(
            label="In which company, trust or foundation", choices=[*entity, *companies]
        )

    def values(self) -> dict[str, Any]:
        """Return what `holding_save` takes."""
        data = self.cleaned_data
        return {
            "owner_id": _party(data["owner"]),
            "owned_id": _party(data["owned"]),
            "shares": data["shares"] or Decimal(0),
            "votes": data["votes"],
            "roles": data["roles"],
        }


def _party(value: str) -> UUID | None:
    return None if value == ENTITY else UUID(value)
