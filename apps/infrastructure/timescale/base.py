"""TimescaleDB where the server has it, plain PostgreSQL where not: the same models on both."""

from django.db.backends.postgresql.base import DatabaseWrapper as PostgresDatabaseWrapper
from django.utils.functional import cached_property
from timescale.db.backends.postgresql.base import DatabaseWrapper as TimescaleDatabaseWrapper

from apps.infrastructure.timescale.schema import SchemaEditor

HAS_EXTENSION = "SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb')"
CAN_INSTALL = """
SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'timescaledb')
   AND current_setting('shared_preload_libraries') LIKE '%timescaledb%'
"""


class DatabaseWrapper(TimescaleDatabaseWrapper):
    SchemaEditorClass = SchemaEditor

    def _ask(self, query: str) -> bool:
        with self.cursor() as cursor:
            cursor.execute(query)
            return bool(cursor.fetchone()[0])

    @cached_property
    def has_timescale(self) -> bool:
        return self._ask(HAS_EXTENSION)

    def prepare_database(self) -> None:
        if self._ask(HAS_EXTENSION) or self._ask(CAN_INSTALL):
            super().prepare_database()
        else:
            PostgresDatabaseWrapper.prepare_database(self)
        self.__dict__.pop("has_timescale", None)
