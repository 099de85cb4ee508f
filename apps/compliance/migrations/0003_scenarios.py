"""The two first scenarios, with their default parameters and the bounds for tuning."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

SCENARIOS = [
    {
        "code": "STRUCTURING",
        "title": "Deposits kept just below the reporting threshold",
        "parameters": {
            "minimum_count": "3",
            "minimum_amount": "8000",
            "reporting_threshold": "10000",
            "window_hours": "24",
        },
        "bounds": {
            "minimum_count": ["2", "20"],
            "minimum_amount": ["1000", "9999"],
            "reporting_threshold": ["3000", "10000"],
            "window_hours": ["1", "168"],
        },
    },
    {
        "code": "RAPID_IN_OUT",
        "title": "Money in and out again with little trading",
        "parameters": {
            "minimum_in": "10000",
            "out_share": "0.8",
            "trade_share": "0.2",
            "window_hours": "48",
        },
        "bounds": {
            "minimum_in": ["1000", "1000000"],
            "out_share": ["0.5", "1"],
            "trade_share": ["0", "0.5"],
            "window_hours": ["1", "168"],
        },
    },
]


def seed(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    scenario = apps.get_model("compliance", "Scenario")
    for row in SCENARIOS:
        scenario.objects.create(version=1, currency="USD", is_active=True, **row)


class Migration(migrations.Migration):
    dependencies = [("compliance", "0002_alert_triggers")]
    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
