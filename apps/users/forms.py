"""Forms of the second factor."""

from django import forms


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
