"""Addresses of compliance."""

from django.urls import URLPattern, URLResolver, path

from apps.compliance.api.alerts import (
    AlertConfirmationView,
    AlertDetailView,
    AlertListView,
    AlertProposalView,
)

urlpatterns: list[URLPattern | URLResolver] = [
    path("alerts", AlertListView.as_view(), name="alert-list"),
    path("alerts/<uuid:alert_id>", AlertDetailView.as_view(), name="alert-detail"),
    path("alerts/<uuid:alert_id>/proposals", AlertProposalView.as_view(), name="alert-proposals"),
    path(
        "alerts/<uuid:alert_id>/confirmations",
        AlertConfirmationView.as_view(),
        name="alert-confirmations",
    ),
]
