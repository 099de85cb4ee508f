"""Forms of sign-up, the second factor, the e-mail address, and of who advises whom."""

from typing import Any
from uuid import UUID

from allauth.account import forms as account
from django import forms
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.users.models import User

CREDENTIAL_LENGTH = 10_000


class CodeForm(forms.Form):
    code = forms.CharField(
        label="Code",
        max_length=32,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "spellcheck": "false"}),
    )

    def reject(self) -> None:
        """Say that the code was not accepted."""
        self.add_error(
            "code", "This code is not right, or it was used already. Wait for the next one."
        )


class SignInCodeForm(CodeForm):
    """At sign-in a passkey may stand for the code."""

    code = forms.CharField(
        label="Code",
        max_length=32,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "spellcheck": "false"}),
    )
    credential = forms.CharField(
        max_length=CREDENTIAL_LENGTH, widget=forms.HiddenInput, required=False
    )

    def clean_code(self) -> str:
        code = str(self.cleaned_data["code"])
        if not code and not self.data.get("credential"):
            raise forms.ValidationError("Enter a code.", code="required")
        return code


class PasskeyForm(forms.Form):
    """A new passkey: its name, and what the browser made."""

    name = forms.CharField(label="Name of the passkey", max_length=64)
    credential = forms.CharField(max_length=CREDENTIAL_LENGTH, widget=forms.HiddenInput)


class StepUpForm(forms.Form):
    """Names of its own: the fields of an interrupted form stand beside them."""

    step_up_code = forms.CharField(
        label="Code",
        max_length=32,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "spellcheck": "false"}),
    )
    step_up_credential = forms.CharField(
        max_length=CREDENTIAL_LENGTH, widget=forms.HiddenInput, required=False
    )
    step_up_next = forms.CharField(max_length=2000, widget=forms.HiddenInput, required=False)
    step_up_resumes = forms.BooleanField(widget=forms.HiddenInput, required=False)

    def clean_step_up_code(self) -> str:
        code = str(self.cleaned_data["step_up_code"])
        if not code and not self.data.get("step_up_credential"):
            raise forms.ValidationError("Enter a code.", code="required")
        return code


class EmailForm(forms.Form):
    email = forms.EmailField(
        label="New e-mail address", widget=forms.EmailInput(attrs={"autocomplete": "email"})
    )


class SignupForm(account.SignupForm):
    """Of two sign-ups with one address at once the later looks like one with a taken address."""

    def try_save(self, request: HttpRequest) -> Any:
        is_taken: bool = getattr(self, "account_already_exists", False)
        if is_taken:
            User().set_password(self.cleaned_data["password1"])  # the same work as a sign-up
        try:
            with transaction.atomic():
                return super().try_save(request)
        except IntegrityError:
            self.account_already_exists = True
            return super().try_save(request)


class AssignmentForm(forms.Form):
    """An adviser and a client, each chosen among those who are."""

    adviser: "forms.ModelChoiceField[User]" = forms.ModelChoiceField(User.objects.none())
    client: "forms.ModelChoiceField[User]" = forms.ModelChoiceField(User.objects.none())

    def __init__(
        self, *args: Any, candidates: "tuple[QuerySet[User], QuerySet[User]]", **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        for name, people in zip(("adviser", "client"), candidates, strict=True):
            field = self.fields[name]
            if isinstance(field, forms.ModelChoiceField):
                field.queryset = people

    def ids(self) -> dict[str, UUID]:
        """Return the keyword arguments of `adviser_assign`."""
        return {f"{name}_id": person.pk for name, person in self.cleaned_data.items()}
