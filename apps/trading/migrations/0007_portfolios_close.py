"""Portfolios close, and the name of a closed one is free again."""

from django.db import migrations, models

FORWARD = """
DO $$ BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'stratford_app') THEN
    GRANT UPDATE (closed_at) ON trading_portfolio TO stratford_app;
  END IF;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("trading", "0006_lots_of_any_origin")]
    operations = [
        migrations.AddField(
            model_name="portfolio",
            name="closed_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.RemoveConstraint(model_name="portfolio", name="trading_portfolio_name"),
        migrations.AddConstraint(
            model_name="portfolio",
            constraint=models.UniqueConstraint(
                condition=models.Q(("closed_at", None)),
                fields=("client", "name"),
                name="trading_portfolio_name",
            ),
        ),
        migrations.RunSQL(FORWARD, migrations.RunSQL.noop),
    ]
