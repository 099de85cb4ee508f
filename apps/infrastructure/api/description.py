"""The API's description at /api/v1/schema."""

from threading import Lock
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from drf_spectacular.views import SpectacularAPIView

_making = Lock()


class DescriptionView(SpectacularAPIView):
    """One at a time: the generator keeps state that threads asking at once would share."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        with _making:
            return super().dispatch(request, *args, **kwargs)
