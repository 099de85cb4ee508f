"""Looks every request up in the table of operations; what has no line there is closed."""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from django.apps import AppConfig
from django.contrib import admin
from django.core import checks
from django.http import HttpRequest
from django.urls import URLResolver, get_resolver
from rest_framework.exceptions import NotFound
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from apps.users.domain.access_matrix import OPERATIONS, is_allowed
from apps.users.domain.audiences import ANYONE, NOBODY, SIGNED_IN
from apps.users.models import User

if TYPE_CHECKING:
    from rest_framework.views import APIView

# A named group of an address that is a regular expression, with what it may hold.
GROUP = re.compile(r"\(\?P<(\w+)>(?:\[[^\]]*\]|\\.|[^()\\])*\)")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@cache
def pattern_of(route: str) -> str:
    """Return the address of a route as the table writes it: `/orders/<uuid:order_id>`."""
    return "/" + GROUP.sub(r"<\1>", route).replace("^", "").replace("$", "")


def operation_of(request: HttpRequest) -> str:
    """Return what a resolved request asks for; HEAD is a GET without the body."""
    match = request.resolver_match
    method = "GET" if request.method == "HEAD" else request.method
    return f"{method} {pattern_of(match.route if match else '')}"


def methods_named(pattern: str) -> list[str]:
    """Return the methods that the table has for this address."""
    return [method for method in METHODS if f"{method} {pattern}" in OPERATIONS]


def user_may(user: Any, operation: str) -> bool:
    """Tell whether the user may, by role; asks the database only where the role matters."""
    if not isinstance(user, User) or not user.is_active:
        return is_allowed(operation, None)
    by_role = OPERATIONS.get(operation, NOBODY) not in (ANYONE, SIGNED_IN)
    return is_allowed(operation, user.role_names if by_role else ())


class OperationPermission(BasePermission):
    """The API's authorisation by role; which objects a role reaches is the selectors' to say.

    Whom an operation on one object is closed to gets 404, as for any object that is not theirs.
    """

    def has_permission(self, request: Request, view: "APIView") -> bool:
        pattern = pattern_of(request.resolver_match.route if request.resolver_match else "")
        method = "GET" if request.method == "HEAD" else str(request.method)
        if method == "OPTIONS":
            operations = [f"{name} {pattern}" for name in methods_named(pattern)]
            return any(user_may(request.user, operation) for operation in operations)
        if method not in METHODS or not hasattr(view, method.lower()):
            # There is no such operation: the view answers 405.
            return bool(request.user.is_authenticated)
        if user_may(request.user, f"{method} {pattern}"):
            return True
        if request.user.is_authenticated and "<" in pattern:
            raise NotFound("There is no such object.")
        return False


def url_operations() -> Iterator[tuple[str, frozenset[str], Any]]:
    """Yield each address with the methods that its class answers (none known of a function)."""
    for route, callback in _routes(get_resolver()):
        view = getattr(callback, "cls", None)
        answered = [name for name in METHODS if view and hasattr(view, name.lower())]
        yield pattern_of(route), frozenset(answered), callback


def action_operations() -> Iterator[str]:
    """Yield each action of the desk on the rows that are ticked."""
    for model, page in admin.site._registry.items():
        own = [item if isinstance(item, str) else item.__name__ for item in page.actions or ()]
        for name in (*own, *dict(admin.site.actions)):
            yield f"ACTION {model._meta.label_lower} {name}"


def _routes(resolver: URLResolver, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for entry in resolver.url_patterns:
        route = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from _routes(entry, route)
        else:
            yield route, entry.callback


@checks.register(checks.Tags.security)
def check_operations(
    app_configs: Sequence[AppConfig] | None = None, **options: Any
) -> list[checks.CheckMessage]:
    """Refuse to start with an operation that the table does not name, or one that is gone."""
    return [*_unnamed(), *_unguarded(), *_gone()]


def _unnamed() -> Iterator[checks.CheckMessage]:
    for pattern, answered, _ in url_operations():
        missing = answered - set(methods_named(pattern))
        if missing or not methods_named(pattern):
            words = ", ".join(sorted(missing)) or "every method"
            hint = "Add a line to apps/users/domain/access_matrix.py."
            yield checks.Error(f"Nobody may {words} {pattern}.", hint=hint, id="users.E001")
    for action in action_operations():
        if action not in OPERATIONS:
            yield checks.Error(f"The table does not name {action}.", id="users.E001")


def _unguarded() -> Iterator[checks.CheckMessage]:
    for pattern, answered, callback in url_operations():
        guards = getattr(getattr(callback, "cls", None), "permission_classes", None)
        if guards is None or any(issubclass(guard, OperationPermission) for guard in guards):
            continue
        if any(OPERATIONS.get(f"{method} {pattern}") != ANYONE for method in answered):
            yield checks.Error(f"{pattern} does not ask the table.", id="users.E002")


def _gone() -> Iterator[checks.CheckMessage]:
    patterns = {pattern: answered for pattern, answered, _ in url_operations()}
    actions = set(action_operations())
    for operation in OPERATIONS:
        method, _, pattern = operation.partition(" ")
        if method == "WS":
            continue
        known = operation in actions if method == "ACTION" else pattern in patterns
        answered = patterns.get(pattern, frozenset())
        if not known or (answered and method not in answered):
            yield checks.Error(f"There is no {operation} any more.", id="users.E003")
