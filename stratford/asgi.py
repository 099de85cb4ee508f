"""One ASGI application: HTTP by Django, WebSocket by Channels."""

import os

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "stratford.settings")
http_application = get_asgi_application()

from channels.sessions import SessionMiddlewareStack  # noqa: E402

from apps.market.routing import websocket_urlpatterns  # noqa: E402

application = ProtocolTypeRouter(
    {
        "http": http_application,
        "websocket": SessionMiddlewareStack(URLRouter(websocket_urlpatterns)),
    }
)
