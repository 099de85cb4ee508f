"""The firm's switch is one row that is always there."""

from django.db import migrations


def make_row(apps, schema_editor):
    apps.get_model("trading", "FirmSwitch").objects.get_or_create(id=1)


class Migration(migrations.Migration):
    dependencies = [("trading", "0001_initial")]
    operations = [migrations.RunPython(make_row, migrations.RunPython.noop)]
