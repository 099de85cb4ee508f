"""The KYC questionnaire as Django forms, made from the steps that compliance defines."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms

from apps.compliance.domain.questionnaire import Field, Kind, Step
from apps.portal.forms.fields import AccessibleForm

YES_NO = (("yes", "Yes"), ("no", "No"))
EMPTY = (("", "Choose"),)


class StepForm(AccessibleForm):
    """One step; every question may stay open while the client is not done."""

    def __init__(self, *args: Any, step: Step, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.step = step
        for question in step.fields:
            self.fields[question.name] = _form_field(question)

    def answers(self) -> dict[str, Any]:
        """Return what was answered, as the questionnaire takes it; open questions left out."""
        given: dict[str, Any] = {}
        for question in self.step.fields:
            value = self.cleaned_data.get(question.name)
            if question.kind == Kind.BOOLEAN:
                if value in {"yes", "no"}:
                    given[question.name] = value == "yes"
                elif question.must_be_true and value:
                    given[question.name] = True
            elif value:
                given[question.name] = value
        return given

    def suggest(self, names: Sequence[str]) -> None:
        """Say beside each open question that it is still open; not an error yet."""
        for name in names:
            if not self.fields[name].help_text:
                self.fields[name].help_text = "Still open."

    def mark_missing(self, names: Sequence[str]) -> None:
        for name in names:
            if name not in self.errors:
                self.add_error(name, "This still needs an answer.")

    def mark_refused(self, refusals: Mapping[str, str]) -> None:
        for name, message in refusals.items():
            self.refuse(message, name)


def initial_of(step: Step, answers: Mapping[str, Any]) -> dict[str, Any]:
    """Return the kept answers as the form shows them."""
    shown = dict(answers)
    for question in step.fields:
        value = answers.get(question.name)
        if question.kind == Kind.BOOLEAN and not question.must_be_true and value is not None:
            shown[question.name] = "yes" if value else "no"
    return shown


def _form_field(question: Field) -> forms.Field:
    common: dict[str, Any] = {
        "label": question.label,
        "required": False,
        "help_text": question.help_text,
    }
    attrs = {"autocomplete": question.autocomplete} if question.autocomplete else {}
    match question.kind:
        case Kind.BOOLEAN if question.must_be_true:
            return forms.BooleanField(**common)
        case Kind.BOOLEAN:
            return forms.ChoiceField(choices=YES_NO, widget=forms.RadioSelect, **common)
        case Kind.CHOICES:
            return forms.MultipleChoiceField(
                choices=question.options(), widget=forms.CheckboxSelectMultiple, **common
            )
        case Kind.CHOICE | Kind.COUNTRY:
            return forms.ChoiceField(
                choices=EMPTY + question.options(), widget=forms.Select(attrs=attrs), **common
            )
        case Kind.DATE:
            return forms.CharField(
                max_length=10,
                widget=forms.DateInput(attrs={"type": "date", **attrs}),
                **common,
            )
        case _:
            return forms.CharField(
                max_length=question.max_length, widget=forms.TextInput(attrs=attrs), **common
            )
