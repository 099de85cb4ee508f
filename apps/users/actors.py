"""Who acts: the signed-in user behind a request."""

from django.http import HttpRequest
from rest_framework.exceptions import NotAuthenticated
from rest_framework.request import Request

from apps.users.models import User


def actor_of(request: Request | HttpRequest) -> User:
    """Return the user who passed authentication; raise NotAuthenticated for nobody."""
    if not isinstance(request.user, User):
        raise NotAuthenticated
    return request.user
