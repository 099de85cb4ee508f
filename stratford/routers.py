"""Which database holds which table: ticks, bars and valuations live in the time series."""

from typing import Any

from django.db import models
from timescale.db.models.fields import TimescaleDateTimeField


def _is_time_series(model: type[models.Model]) -> bool:
    return any(isinstance(field, TimescaleDateTimeField) for field in model._meta.local_fields)


class TimeSeriesRouter:
    """Send every model with a TimescaleDateTimeField to `timescale`, the rest to `default`."""

    def db_for_read(self, model: type[models.Model], **hints: Any) -> str:
        return "timescale" if _is_time_series(model) else "default"

    db_for_write = db_for_read

    def allow_migrate(
        self, db: str, app_label: str, model_name: str | None = None, **hints: Any
    ) -> bool | None:
        """Allow a table in one database only; RunSQL names its own by `hints={"database": …}`."""
        if "database" in hints:
            return bool(hints["database"] == db)
        model = hints.get("model")
        if model is None:
            return db == "default"
        return ("timescale" if _is_time_series(model) else "default") == db
