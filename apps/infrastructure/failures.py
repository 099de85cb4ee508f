"""Work done piece by piece: a piece that fails is told to operations and stops no other."""

from types import TracebackType

import structlog
from django.conf import settings
from django.db import Error
from django.utils.module_loading import import_string

logger = structlog.get_logger(__name__)


class FailureTold:
    """Log what fails inside under the kind's name, and raise an operations alert; go on.

    Stands around one transaction, never inside one.  The alert is raised by what
    settings.OPERATIONS_ALERTS names; `subject` is what failures are counted together by, and
    neither it nor the facts are personal data.
    """

    def __init__(self, kind: str, *, subject: str, message: str, **facts: str) -> None:
        self.kind, self.subject, self.message, self.facts = kind, subject, message, facts

    def __enter__(self) -> None:
        return None

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        if not isinstance(error, Exception):
            return False
        logger.error(self.kind.lower(), subject=self.subject, exc_info=error, **self.facts)
        named = str(getattr(error, "code", type(error).__name__))
        alert = {"kind": self.kind, "subject": self.subject, "message": self.message}
        try:
            for path in settings.OPERATIONS_ALERTS:
                import_string(path)(**alert, facts={**self.facts, "error": named})
        except Error:
            # Without a database nobody can be told but by the log.
            logger.exception("operations_alert_failed", kind=self.kind)
        return True
