"""Alerts and officers for tests."""

from decimal import Decimal
from typing import Any
from uuid import uuid4

from django.contrib.auth.models import Group

from apps.compliance.models import Alert
from apps.compliance.services.alerts import alert_propose, alert_raise
from apps.users.domain.roles import Role
from apps.users.models import User


def make_officer(role: Role = Role.COMPLIANCE_OFFICER) -> User:
    """Create an officer who cannot sign in: a password costs time that these tests do not need."""
    officer = User.objects.create_user(f"{uuid4().hex}@stratford.example", is_staff=True)
    group, _ = Group.objects.get_or_create(name=role.value)
    officer.groups.add(group)
    return officer


def make_client() -> User:
    return User.objects.create_user(f"{uuid4().hex}@client.example")


def make_alert(client: User | None = None, **fields: Any) -> Alert:
    """Raise an alert through its own command."""
    values: dict[str, Any] = {
        "client_id": (client or make_client()).pk,
        "kind": "MONITORING",
        "scenario_code": "STRUCTURING",
        "score": Decimal("0.75"),
        "evidence": [{"reference": "t-1", "kind": "DEPOSIT", "amount": "9000.00"}],
        "dedup_key": "USD",
    }
    return alert_raise(**{**values, **fields})


def make_proposed(proposer: User, **fields: Any) -> Alert:
    return alert_propose(
        actor=proposer,
        alert_id=make_alert(**fields).id,
        disposition="NOT_SUSPICIOUS",
        reason_code="ONE_OFF",
        note="Sale of a car, contract seen.",
    )
