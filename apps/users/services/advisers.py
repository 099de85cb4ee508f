"""Commands on who advises whom: an administrator gives and takes the right to read an account."""

from typing import Any
from uuid import UUID

from django.utils import timezone

from apps.audit.services import emit
from apps.core.commands import command
from apps.core.errors import Conflict, InvalidInput, NotPermitted
from apps.users.domain.roles import Role
from apps.users.events import AdviserAssigned, AdviserUnassigned
from apps.users.models import AdviserAssignment, User

PERMISSION = "users.change_adviserassignment"


@command
def adviser_assign(*, actor: User, adviser_id: UUID, client_id: UUID) -> AdviserAssignment:
    """Let the adviser read the client's account from now on.

    Raises NotPermitted for whoever may not give access or is one of the two, InvalidInput for
    somebody who is no adviser or no client, and Conflict `already_assigned`.
    """
    _require(actor)
    if actor.pk in {adviser_id, client_id}:
        raise NotPermitted("Nobody assigns themselves.", code="own_assignment")
    # The rows of both stay as they are until the commit: a role may be taken at the same time.
    people = User.objects.select_for_update(no_key=True).order_by("id")
    found = {person.pk: person for person in people.filter(pk__in=[adviser_id, client_id])}
    adviser, client = found.get(adviser_id), found.get(client_id)
    if adviser is None or not adviser.has_role(Role.ADVISER):
        raise InvalidInput("This is no adviser.", field="adviser")
    if client is None or not client.has_role(Role.CLIENT):
        raise InvalidInput("This is no client.", field="client")
    if AdviserAssignment.objects.live().filter(adviser=adviser, client=client).exists():
        raise Conflict("This adviser has this client already.", code="already_assigned")
    assignment = AdviserAssignment.objects.create(adviser=adviser, client=client)
    emit(AdviserAssigned(**_identity(assignment)), actor=actor)
    return assignment


@command
def adviser_unassign(*, actor: User, assignment_id: UUID) -> AdviserAssignment:
    """End an assignment; raises NotPermitted, NotFound and Conflict `already_ended`."""
    _require(actor)
    assignment = AdviserAssignment.objects.locked(assignment_id)
    if assignment.ended_at is not None:
        raise Conflict("The assignment has ended already.", code="already_ended")
    assignment.ended_at = timezone.now()
    assignment.save(update_fields=["ended_at", "updated_at"])
    emit(AdviserUnassigned(**_identity(assignment)), actor=actor)
    return assignment


def _require(actor: User) -> None:
    if not actor.is_active or not actor.has_perm(PERMISSION):
        raise NotPermitted("Only an administrator may do this.")


def _identity(assignment: AdviserAssignment) -> dict[str, Any]:
    return {
        "stream": assignment.stream,
        "assignment_id": str(assignment.pk),
        "adviser_id": str(assignment.adviser_id),
        "client_id": str(assignment.client_id),
    }
