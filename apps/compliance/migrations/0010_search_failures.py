"""What a search was for is sealed; one that keeps failing ends."""

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

import apps.infrastructure.encryption

OPERATIONS_KINDS = [
    ("IMPORT_REFUSED", "A list was refused"),
    ("FETCH_FAILED", "A list could not be fetched"),
    ("RESCREENING_DIFFERS", "The nightly screening found a difference"),
    ("RESCREENING_FAILED", "A client could not be screened"),
    ("ORDER_MATCH_FAILED", "A resting order could not be matched"),
    ("ORDER_CANCEL_FAILED", "A cancel-all left an order"),
    ("ORDER_EXPIRY_FAILED", "An order could not be expired"),
    ("BATCH_FAILED", "A rebalancing could not go on"),
    ("PLAN_FAILED", "An investment plan could not run"),
    ("CHARGE_FAILED", "A fee or interest could not be booked"),
    ("CORPORATE_ACTION_FAILED", "A holder did not get an action"),
    ("SEARCH_FAILED", "A file of names could not be compared"),
]


def seal(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for search in apps.get_model("compliance", "ScreeningSearch").objects.iterator(chunk_size=500):
        search.purpose = search.purpose_plain
        search.save(update_fields=["purpose"])


class Migration(migrations.Migration):
    dependencies = [
        ("compliance", "0009_self_certification_triggers"),
        ("infrastructure", "0003_keys_kept"),
    ]
    operations = [
        migrations.RenameField("screeningsearch", "purpose", "purpose_plain"),
        migrations.AddField(
            "screeningsearch",
            "purpose",
            apps.infrastructure.encryption.EncryptedTextField(
                data_class="compliance", row="pk", null=True
            ),
        ),
        migrations.RunPython(seal),
        migrations.RemoveField("screeningsearch", "purpose_plain"),
        migrations.AlterField(
            "screeningsearch",
            "purpose",
            apps.infrastructure.encryption.EncryptedTextField(data_class="compliance", row="pk"),
        ),
        migrations.AddField(
            "screeningsearch", "failures", models.PositiveSmallIntegerField(default=0)
        ),
        migrations.AddField(
            "screeningsearch", "failure_code", models.CharField(blank=True, max_length=30)
        ),
        migrations.AlterField(
            "screeningsearch",
            "status",
            models.CharField(
                choices=[("RUNNING", "Running"), ("DONE", "Done"), ("FAILED", "Failed")],
                default="RUNNING",
                max_length=7,
            ),
        ),
        migrations.AddConstraint(
            "screeningsearch",
            models.CheckConstraint(
                condition=models.Q(
                    models.Q(("digest", ""), ("failure_code__gt", ""), ("status", "FAILED")),
                    models.Q(models.Q(("status", "FAILED"), _negated=True), ("failure_code", "")),
                    _connector="OR",
                ),
                name="screening_search_failure",
            ),
        ),
        migrations.AlterField(
            "operationsalert",
            "kind",
            models.CharField(choices=OPERATIONS_KINDS, max_length=30),
        ),
    ]
