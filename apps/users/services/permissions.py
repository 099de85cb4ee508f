"""Gives each role's group its permission rows after every migration.

The rows are for whoever reads the database; `has_perm` answers from the table in the code, so a
row that somebody writes by hand gives nobody a right, and the next migration takes it away.
"""

from collections.abc import Iterable
from typing import Any

from django.apps import AppConfig
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db import router, transaction

from apps.users.domain.permissions import PERMISSIONS
from apps.users.domain.roles import Role


def permissions_write(app_config: AppConfig, using: str, **kwargs: Any) -> None:
    """Write the rows of one application's permissions (a receiver of `post_migrate`)."""
    wanted = {
        name.partition(".")[2]: audience
        for name, audience in PERMISSIONS.items()
        if name.startswith(f"{app_config.label}.")
    }
    if not wanted or not router.allow_migrate_model(using, Group):
        return
    with transaction.atomic(using=using):
        groups = _groups(using)
        rows = _permissions(app_config.label, wanted, using)
        pairs = {
            (groups[role], rows[code])
            for code, audience in wanted.items()
            for role in Role
            if role in audience
        }
        through = Group.permissions.through.objects.using(using)
        kept = through.filter(permission__content_type__app_label=app_config.label)
        there = set(kept.values_list("group_id", "permission_id"))
        for group_id, permission_id in there - pairs:
            kept.filter(group_id=group_id, permission_id=permission_id).delete()
        through.bulk_create(
            Group.permissions.through(group_id=group_id, permission_id=permission_id)
            for group_id, permission_id in sorted(pairs - there)
        )


def _groups(using: str) -> dict[str, int]:
    groups = Group.objects.using(using).filter(name__in=list(Role))
    if groups.count() < len(Role):
        made = [Group(name=role.value) for role in Role]
        Group.objects.using(using).bulk_create(made, ignore_conflicts=True)
    return dict(groups.values_list("name", "id"))


def _permissions(app_label: str, codes: Iterable[str], using: str) -> dict[str, int]:
    """Return the ids of `verb_model` by code; Django has made those of its own four verbs."""
    rows = Permission.objects.using(using).filter(content_type__app_label=app_label)
    found = dict(rows.values_list("codename", "id"))
    for code in set(codes) - found.keys():
        verb, _, model = code.partition("_")
        kind, _ = ContentType.objects.db_manager(using).get_or_create(
            app_label=app_label, model=model
        )
        row = Permission(content_type=kind, codename=code, name=f"Can {verb} {model}")
        row.save(using=using, force_insert=True)
        found[code] = row.pk
    return found
