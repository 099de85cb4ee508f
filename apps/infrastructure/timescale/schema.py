"""Schema changes of the time series."""

from typing import Any

from django.db import models
from timescale.db.backends.postgresql.schema import TimescaleSchemaEditor
from timescale.db.models.fields import TimescaleDateTimeField


class SchemaEditor(TimescaleSchemaEditor):
    """A hypertable where the extension is there, a BRIN-indexed table where not.

    A composite primary key that contains the time column is legal on a hypertable and is kept.
    """

    def _drop_primary_key(self, model: type[models.Model]) -> None:
        time = next(f for f in model._meta.local_fields if isinstance(f, TimescaleDateTimeField))
        if time.column not in {field.column for field in model._meta.pk_fields}:
            super()._drop_primary_key(model)

    def _create_hypertable(
        self, model: type[models.Model], field: Any, should_migrate: bool = False
    ) -> None:
        if self.connection.has_timescale:
            super()._create_hypertable(model, field, should_migrate)
            return
        table, column = model._meta.db_table, field.column
        self.execute(
            f"CREATE INDEX {self.quote_name(f'{table}_{column}_brin')} "
            f"ON {self.quote_name(table)} USING brin ({self.quote_name(column)})"
        )

    def _set_chunk_time_interval(self, model: type[models.Model], field: Any) -> None:
        if self.connection.has_timescale:
            super()._set_chunk_time_interval(model, field)
