"""Each posting keeps the balance after it and its moment; what was posted before gets both."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


BACKFILL = """
ALTER TABLE ledger_posting DISABLE TRIGGER USER;
UPDATE ledger_posting AS posting
   SET balance = running.balance, posted_at = running.posted_at
  FROM (SELECT posting.id, entry.posted_at,
               sum(posting.amount) OVER (PARTITION BY posting.account_id ORDER BY posting.id) AS balance
          FROM ledger_posting AS posting JOIN ledger_entry AS entry ON entry.id = posting.entry_id)
    AS running
 WHERE running.id = posting.id;
ALTER TABLE ledger_posting ENABLE TRIGGER USER;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('ledger', '0002_rules'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='account',
            name='ledger_account_kind',
        ),
        migrations.AddField(
            model_name='posting',
            name='balance',
            field=models.DecimalField(decimal_places=8, default=0, max_digits=38),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='posting',
            name='posted_at',
            field=models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
        ),
        migrations.RunSQL(BACKFILL, migrations.RunSQL.noop),
        migrations.AlterField(
            model_name='account',
            name='kind',
            field=models.CharField(choices=[('CASH', 'Cash'), ('HELD', 'Held'), ('SECURITIES', 'Securities'), ('FEES', 'Fees'), ('DIVIDENDS', 'Dividends'), ('INTEREST', 'Interest'), ('FX', 'Fx'), ('CLIENT_MONEY', 'Client money'), ('CLEARING', 'Clearing')], max_length=12),
        ),
        migrations.AlterField(
            model_name='posting',
            name='account',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='postings', to='ledger.account'),
        ),
        migrations.AddIndex(
            model_name='posting',
            index=models.Index(fields=['account', 'posted_at', 'id'], name='ledger_posting_of_account'),
        ),
        migrations.AddConstraint(
            model_name='account',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['CASH', 'HELD', 'SECURITIES', 'FEES', 'DIVIDENDS', 'INTEREST', 'FX', 'CLIENT_MONEY', 'CLEARING'])), name='ledger_account_kind'),
        ),
    ]
