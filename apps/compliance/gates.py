"""Checks that other contexts run by dotted path (settings PRE_TRADE_CHECKS, CASH_CHECKS)."""

from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any, Protocol
from uuid import UUID

from celery import current_app
from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.utils.module_loading import import_string

from apps.compliance.domain.kyc import CLEARED, FROZEN, REDUCING, client_status
from apps.compliance.selectors.kyc import kyc_standing
from apps.compliance.selectors.screening import subject_screened
from apps.core.errors import Refused


class Draft(Protocol):
    """What the gates read of an order that is not placed yet."""

    @property
    def client_id(self) -> UUID: ...

    @property
    def side(self) -> str: ...


def check_kyc_approved(draft: Draft) -> dict[str, str]:
    """Return what was seen; raise Refused `kyc_not_approved` or `account_frozen` otherwise.

    A client who was approved once and whose check is out of date, or goes on, may sell only; one
    who is prohibited since may not even that.
    """
    status, was_approved = kyc_standing(draft.client_id)
    if was_approved and status in REDUCING and draft.side == "SELL":
        return {"limit": "APPROVED", "measured": client_status(status)}
    return {"limit": "APPROVED", "measured": _cleared(status, was_approved=was_approved)}


def check_client_cleared(client_id: UUID) -> str:
    """Return the status of a client who may do business; raises Refused as `check_kyc_approved`."""
    status, was_approved = kyc_standing(client_id)
    return _cleared(status, was_approved=was_approved)


def _cleared(status: str, *, was_approved: bool) -> str:
    """Return the state as the client is told it: this is shown beside every order's checks."""
    if status != "NONE":
        status = client_status(status)
    if status in FROZEN:
        raise Refused(
            "This account is frozen. Please contact us.",
            code="account_frozen",
            limit="APPROVED",
            measured=status,
        )
    if status not in CLEARED:
        may_sell = was_approved and status in REDUCING
        raise Refused(
            "Your identity check must be renewed first; until then you can only sell."
            if may_sell
            else "Your identity check is not approved yet.",
            code="kyc_not_approved",
            limit="APPROVED",
            measured=status,
        )
    return status


def client_names(client_id: UUID) -> tuple[str, ...]:
    """Return what the client is called, as last screened; none before that."""
    subject = subject_screened(client_id)
    return subject.names if subject else ()


# Without these a client whom nobody identified could trade, or move money, or anybody pay in, and
# work could fail unseen.
REQUIRED = {
    "PRE_TRADE_CHECKS": "apps.compliance.gates.check_kyc_approved",
    "CASH_CHECKS": "apps.compliance.gates.check_client_cleared",
    "CLIENT_NAMES": "apps.compliance.gates.client_names",
    "DECISION_CHECKS": "apps.compliance.services.work_locks.work_lock_require",
    "OPERATIONS_ALERTS": "apps.compliance.services.operations_alerts.operations_alert_raise",
}
DOTTED_PATHS = (*REQUIRED, "LEDGER_CHECKS")


@checks.register(checks.Tags.security)
def check_seams(
    app_configs: Sequence[AppConfig] | None = None, **options: Any
) -> list[checks.CheckMessage]:
    """Refuse to start with a gate left out, or a name in the settings that leads nowhere."""
    return [*_gates_missing(), *_paths_broken(), *_tasks_unknown()]


def _gates_missing() -> Iterator[checks.CheckMessage]:
    for setting, gate in REQUIRED.items():
        if gate not in getattr(settings, setting):
            yield checks.Error(f"{setting} lacks {gate}.", id="compliance.E001")


def _paths_broken() -> Iterator[checks.CheckMessage]:
    for setting in DOTTED_PATHS:
        for path in getattr(settings, setting):
            try:
                is_usable = callable(import_string(path))
            except ImportError:
                is_usable = False
            if not is_usable:
                yield checks.Error(f"{setting}: {path} is no callable.", id="compliance.E002")


def _tasks_unknown() -> Iterator[checks.CheckMessage]:
    # A task is named after its context, whose `tasks` module registers it.
    for name in settings.QUOTE_TASKS:
        try:
            import_module(f"apps.{name.partition('.')[0]}.tasks")
        except ImportError:
            yield checks.Error(f"QUOTE_TASKS: {name} has no owner.", id="compliance.E003")
            continue
        if name not in current_app.tasks:
            yield checks.Error(f"QUOTE_TASKS: {name} is no task.", id="compliance.E004")
