"""Addresses of the plumbing: the API's own description."""

from django.urls import URLPattern, URLResolver, path
from drf_spectacular.views import SpectacularSwaggerSplitView

from apps.infrastructure.api.description import DescriptionView

urlpatterns: list[URLPattern | URLResolver] = [
    path("schema", DescriptionView.as_view(), name="schema"),
    path("docs", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="api-docs"),
]
