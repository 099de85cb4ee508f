"""The name of a new portfolio."""

from django import forms

from apps.portal.forms.fields import AccessibleForm


class PortfolioForm(AccessibleForm):
    name = forms.CharField(max_length=100)
