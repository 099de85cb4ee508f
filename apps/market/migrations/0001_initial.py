"""Instruments, bars, quotes and reference rates."""

from decimal import Decimal

import timescale.db.models.fields
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Tick',
            fields=[
                ('pk', models.CompositePrimaryKey('symbol', 'source', 'time', blank=True, editable=False, primary_key=True, serialize=False)),
                ('symbol', models.CharField(max_length=20)),
                ('source', models.CharField(max_length=20)),
                ('time', timescale.db.models.fields.TimescaleDateTimeField(interval='1 day')),
                ('bid', models.DecimalField(decimal_places=8, max_digits=26)),
                ('ask', models.DecimalField(decimal_places=8, max_digits=26)),
                ('last', models.DecimalField(decimal_places=8, max_digits=26)),
                ('volume', models.DecimalField(decimal_places=8, max_digits=26)),
            ],
        ),
        migrations.CreateModel(
            name='Bar',
            fields=[
                ('pk', models.CompositePrimaryKey('symbol', 'source', 'interval', 'time', blank=True, editable=False, primary_key=True, serialize=False)),
                ('symbol', models.CharField(max_length=20)),
                ('source', models.CharField(max_length=20)),
                ('interval', models.CharField(default='1d', max_length=3)),
                ('time', timescale.db.models.fields.TimescaleDateTimeField(interval='1 year')),
                ('open', models.DecimalField(decimal_places=8, max_digits=26, null=True)),
                ('high', models.DecimalField(decimal_places=8, max_digits=26, null=True)),
                ('low', models.DecimalField(decimal_places=8, max_digits=26, null=True)),
                ('close', models.DecimalField(decimal_places=8, max_digits=26, null=True)),
                ('volume', models.DecimalField(decimal_places=8, max_digits=26, null=True)),
                ('adjusted_close', models.DecimalField(decimal_places=8, help_text="Close in today's units: splits and dividends are taken out.", max_digits=26)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('adjusted_close__gt', 0)), name='market_bar_adjusted_positive'), models.CheckConstraint(condition=models.Q(models.Q(('high__gte', models.F('low')), ('low__gt', 0)), models.Q(('high', None), ('low', None)), _connector='OR'), name='market_bar_range'), models.CheckConstraint(condition=models.Q(('volume__gte', 0), ('volume', None), _connector='OR'), name='market_bar_volume_not_negative')],
            },
        ),
        migrations.CreateModel(
            name='Instrument',
            fields=[
                ('symbol', models.CharField(max_length=20, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=100)),
                ('exchange', models.CharField(max_length=4, verbose_name='exchange (MIC)')),
                ('asset_class', models.CharField(choices=[('EQUITY', 'Equity'), ('ETF', 'ETF'), ('FX', 'Foreign exchange'), ('CRYPTO', 'Crypto'), ('BOND', 'Bond'), ('INDEX', 'Index')], default='EQUITY', max_length=6)),
                ('currency', models.CharField(default='USD', max_length=3)),
                ('sector', models.CharField(blank=True, max_length=50)),
                ('lot_size', models.DecimalField(decimal_places=8, default=Decimal('0.0001'), help_text='Every quantity is a whole multiple of it.', max_digits=26)),
                ('tick_size', models.DecimalField(decimal_places=8, default=Decimal('0.01'), help_text='Every limit and stop price is a whole multiple of it.', max_digits=26)),
                ('status', models.CharField(choices=[('ACTIVE', 'Active'), ('HALTED', 'Halted'), ('DELISTED', 'Delisted')], default='ACTIVE', max_length=8)),
                ('bar_source', models.CharField(blank=True, help_text='Where more than one source has bars, the one that is preferred.', max_length=20)),
                ('is_restricted', models.BooleanField(default=False, help_text="On the firm's restricted list: no new orders.")),
                ('updated_at', models.DateTimeField(auto_now=True)),
            ],
            options={
                'ordering': ('symbol',),
                'permissions': (('halt_instrument', 'Can halt and resume trading in an instrument'), ('restrict_instrument', 'Can keep the restricted list')),
                'constraints': [models.CheckConstraint(condition=models.Q(('symbol__regex', '^[A-Z][A-Z0-9.\\-]{0,19}$')), name='market_instrument_symbol'), models.CheckConstraint(condition=models.Q(('lot_size__gt', 0), ('tick_size__gt', 0)), name='market_instrument_steps_positive'), models.CheckConstraint(condition=models.Q(('status__in', ['ACTIVE', 'HALTED', 'DELISTED'])), name='market_instrument_status'), models.CheckConstraint(condition=models.Q(('symbol__in', ['AUD', 'BHD', 'BRL', 'CAD', 'CHF', 'CLP', 'CNY', 'CZK', 'DKK', 'EUR', 'GBP', 'HKD', 'HUF', 'ILS', 'INR', 'ISK', 'JOD', 'JPY', 'KRW', 'KWD', 'MXN', 'NOK', 'NZD', 'OMR', 'PLN', 'SEK', 'SGD', 'THB', 'TND', 'TRY', 'USD', 'VND', 'ZAR']), _negated=True), name='market_instrument_symbol_is_no_currency')],
            },
        ),
        migrations.CreateModel(
            name='LastQuote',
            fields=[
                ('symbol', models.CharField(max_length=20, primary_key=True, serialize=False)),
                ('bid', models.DecimalField(decimal_places=8, max_digits=26)),
                ('ask', models.DecimalField(decimal_places=8, max_digits=26)),
                ('last', models.DecimalField(decimal_places=8, max_digits=26)),
                ('volume', models.DecimalField(decimal_places=8, max_digits=26)),
                ('at', models.DateTimeField()),
                ('source', models.CharField(max_length=20)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('ask__gte', models.F('bid')), ('bid__gt', 0), ('last__gt', 0), ('volume__gte', 0)), name='market_last_quote_sane')],
            },
        ),
        migrations.CreateModel(
            name='ReferenceRate',
            fields=[
                ('pk', models.CompositePrimaryKey('currency', 'day', blank=True, editable=False, primary_key=True, serialize=False)),
                ('currency', models.CharField(max_length=3)),
                ('day', models.DateField()),
                ('rate', models.DecimalField(decimal_places=8, max_digits=26)),
                ('source', models.CharField(max_length=60)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('rate__gt', 0), models.Q(('currency', 'EUR'), _negated=True)), name='market_reference_rate_sane')],
            },
        ),
    ]
