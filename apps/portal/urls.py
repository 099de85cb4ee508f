"""Addresses of the clients' pages."""

from django.urls import path
from django.views.generic import TemplateView

app_name = "portal"
frame = TemplateView.as_view(template_name="portal/base.html")
urlpatterns = [
    path("", frame, name="dashboard"),
    path("trade/", frame, name="trade"),
    path("orders/", frame, name="orders"),
    path("activity/", frame, name="activity"),
    path("verification/", frame, name="verification"),
    path("notifications/", frame, name="notifications"),
    path("settings/", frame, name="settings"),
]
