"""The roles are groups."""

from django.db import migrations

ROLES = (
    "CLIENT",
    "ADVISER",
    "COMPLIANCE_OFFICER",
    "COMPLIANCE_SUPERVISOR",
    "OPERATIONS",
    "AUDITOR",
    "ADMINISTRATOR",
)


def create_groups(apps, schema_editor):
    groups = apps.get_model("auth", "Group").objects.using(schema_editor.connection.alias)
    for name in ROLES:
        groups.get_or_create(name=name)


class Migration(migrations.Migration):
    dependencies = [("users", "0001_initial")]
    operations = [migrations.RunPython(create_groups, migrations.RunPython.noop)]
