"""API keys: made once, checked at every request, ended at any time."""

import hashlib
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from apps.audit.services import emit
from apps.core.commands import command
from apps.core.domain.networks import is_within, masked, network_of
from apps.core.errors import InvalidInput, NotFound, NotPermitted, Refused
from apps.users.domain.api_keys import PREFIXES, is_key, key_hint, key_make
from apps.users.domain.roles import Role
from apps.users.events import ApiKeyCreated, ApiKeyRevoked
from apps.users.models import ApiKey, User

NAME_LENGTH = 60
USE_NOTED_EVERY = timedelta(minutes=1)


@command
def api_key_create(
    *,
    actor: User,
    name: str,
    mode: str,
    scopes: Sequence[str],
    days: int,
    networks: Sequence[str] = (),
    per_minute: int | None = None,
) -> tuple[ApiKey, str]:
    """Make a key for the actor, and return it with its text: the only time it can be read.

    `mode` is that of the portfolios it reaches, `networks` (CIDR; empty is anywhere) where it may
    be used, `per_minute` how often.  The caller has demanded a fresh second factor.

    Raises NotPermitted for staff and for who is no client, InvalidInput (field in the facts), and
    Refused `api_key_limit`.
    """
    if not _may_have_keys(actor):
        raise NotPermitted("Only clients have API keys.")
    limits = settings.API_KEYS
    chosen_rate = limits["per_minute"] if per_minute is None else per_minute
    name = name.strip()
    _check_between("name", len(name), 1, NAME_LENGTH)
    _check_between("expires_in_days", days, 1, limits["days_most"])
    _check_between("per_minute", chosen_rate, 1, limits["per_minute_most"])
    if mode not in PREFIXES:
        raise InvalidInput("A key is for PAPER or LIVE.", field="mode")
    # The client's row is the lock under which the keys are counted.
    User.objects.select_for_update(no_key=True).get(pk=actor.pk)
    if ApiKey.objects.live().filter(user=actor).count() >= limits["live_most"]:
        raise Refused(
            "You have too many keys; revoke one first.",
            code="api_key_limit",
            limit=str(limits["live_most"]),
        )
    text = key_make(mode)
    key = ApiKey.objects.create(
        user=actor,
        name=name,
        mode=mode,
        key_hash=_digest(text),
        hint=key_hint(text),
        scopes=_known_scopes(scopes),
        networks=_known_networks(networks, limits["networks_most"]),
        per_minute=chosen_rate,
        expires_at=timezone.now() + timedelta(days=days),
    )
    emit(
        ApiKeyCreated(
            stream=actor.stream,
            user_id=str(actor.pk),
            key_id=str(key.pk),
            mode=mode,
            scopes=key.scopes,
            expires_at=key.expires_at.isoformat(),
        ),
        actor=actor,
    )
    return key, text


@command
def api_key_revoke(*, actor: User, key_id: UUID) -> None:
    """End one of the actor's own keys; again is no error.  Raises NotFound for any other."""
    key = ApiKey.objects.filter(user=actor, pk=key_id).select_for_update(of=("self",)).first()
    if key is None:
        raise NotFound("There is no such key.")
    _revoke(key, actor=actor, reason="OWNER")


@command
def api_keys_revoke_all(*, user: User, actor: User | None, reason: str) -> None:
    """End every key of the user; `reason` is a code for the audit trail."""
    for key in ApiKey.objects.filter(user=user, revoked_at=None).select_for_update(of=("self",)):
        _revoke(key, actor=actor, reason=reason)


def api_key_verify(*, text: str, address: str) -> ApiKey | None:
    """Return the live key that the text is; None for any other text.

    A user who is deactivated or no client any more has no keys.  Raises NotPermitted
    `address_not_allowed` outside of the key's networks.
    """
    if not is_key(text):
        return None
    key = ApiKey.objects.live().by_hash(_digest(text))
    if key is None or not _may_have_keys(key.user):
        return None
    if key.networks and not is_within(address, key.networks):
        raise NotPermitted("The key may not be used from here.", code="address_not_allowed")
    return key


def api_key_holds(key_id: UUID) -> ApiKey | None:
    """Return the key while it is live and its client may have keys."""
    key = ApiKey.objects.live().select_related("user").filter(pk=key_id).first()
    return key if key is not None and _may_have_keys(key.user) else None


@command
def api_key_use_record(*, key: ApiKey, address: str) -> None:
    """Note when and from which network the key was used; at most once a minute, without a lock."""
    now = timezone.now()
    due = Q(last_used_at=None) | Q(last_used_at__lt=now - USE_NOTED_EVERY)
    if key.last_used_at is None or key.last_used_at < now - USE_NOTED_EVERY:
        rows = ApiKey.objects.filter(due, pk=key.pk)
        rows.update(last_used_at=now, last_used_from=masked(address))


def _may_have_keys(user: User) -> bool:
    return user.has_role(Role.CLIENT) and not user.is_staff


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _revoke(key: ApiKey, *, actor: User | None, reason: str) -> None:
    if key.revoked_at is not None:
        return
    key.revoked_at = timezone.now()
    key.save(update_fields=["revoked_at", "updated_at"])
    emit(
        ApiKeyRevoked(
            stream=f"user-{key.user_id}",
            user_id=str(key.user_id),
            key_id=str(key.pk),
            reason=reason,
        ),
        actor=actor,
    )


def _check_between(field: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise InvalidInput(f"Between {least} and {most}.", field=field)


def _known_scopes(scopes: Sequence[str]) -> list[str]:
    chosen = sorted(set(scopes))
    if not chosen or not set(chosen) <= set(settings.API_KEY_SCOPES):
        raise InvalidInput("Choose one or more of the known scopes.", field="scopes")
    return chosen


def _known_networks(texts: Sequence[str], most: int) -> list[str]:
    networks = [network_of(text) for text in texts]
    if len(networks) > most or None in networks:
        raise InvalidInput(f"At most {most} networks, each as in 203.0.113.0/24.", field="networks")
    return sorted({str(network) for network in networks})
