"""Addresses of market."""

from django.urls import URLPattern, URLResolver, path

from apps.market import api

urlpatterns: list[URLPattern | URLResolver] = [
    path("instruments", api.InstrumentListApi.as_view()),
    path("instruments/<str:symbol>", api.InstrumentApi.as_view()),
    path("quotes", api.QuoteListApi.as_view()),
    path("quotes/<str:symbol>", api.QuoteApi.as_view()),
    path("bars", api.BarListApi.as_view()),
    path("calendar", api.CalendarApi.as_view()),
    path("clock", api.ClockApi.as_view()),
]
