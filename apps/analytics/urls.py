"""Addresses of analytics."""

from django.urls import URLPattern, URLResolver, path

from apps.analytics.api import PerformanceApi, SummaryApi

ONE = "portfolios/<uuid:portfolio_id>"
urlpatterns: list[URLPattern | URLResolver] = [
    path(f"{ONE}/summary", SummaryApi.as_view(), name="portfolio-summary"),
    path(f"{ONE}/performance", PerformanceApi.as_view(), name="portfolio-performance"),
]
