"""Valuations of portfolios."""

import timescale.db.models.fields
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='PortfolioValuation',
            fields=[
                ('pk', models.CompositePrimaryKey('portfolio_id', 'time', blank=True, editable=False, primary_key=True, serialize=False)),
                ('portfolio_id', models.UUIDField()),
                ('time', timescale.db.models.fields.TimescaleDateTimeField(interval='1 day')),
                ('currency', models.CharField(max_length=3)),
                ('cash', models.DecimalField(decimal_places=8, max_digits=38)),
                ('held', models.DecimalField(decimal_places=8, max_digits=38)),
                ('invested', models.DecimalField(decimal_places=8, max_digits=38)),
                ('total', models.DecimalField(decimal_places=8, max_digits=38)),
                ('deposits', models.DecimalField(decimal_places=8, max_digits=38)),
                ('withdrawals', models.DecimalField(decimal_places=8, max_digits=38)),
                ('benchmark', models.DecimalField(decimal_places=8, max_digits=26, null=True)),
                ('is_complete', models.BooleanField(default=True, help_text='Everything it holds had a price in its currency.')),
            ],
        ),
    ]
