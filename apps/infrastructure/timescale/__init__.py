"""Database engine of the time series: django-timescaledb, also where the extension is absent."""
