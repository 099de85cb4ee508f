"""Movements between own portfolios, and in kind."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('compliance', '0007_watchlist_sources'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='movement',
            name='compliance_movement_kind',
        ),
        migrations.AlterField(
            model_name='movement',
            name='kind',
            field=models.CharField(choices=[('DEPOSIT', 'Deposit'), ('WITHDRAWAL', 'Withdrawal'), ('TRADE', 'Trade'), ('INTERNAL', 'Between own portfolios'), ('IN_KIND', 'In kind')], max_length=10),
        ),
        migrations.AddConstraint(
            model_name='movement',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['DEPOSIT', 'WITHDRAWAL', 'TRADE', 'INTERNAL', 'IN_KIND'])), name='compliance_movement_kind'),
        ),
    ]
