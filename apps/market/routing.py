"""WebSocket addresses."""

from django.urls import URLPattern, path

from apps.market.consumers.stream import StreamConsumer

websocket_urlpatterns: list[URLPattern] = [path("ws/v1/stream", StreamConsumer.as_asgi())]
