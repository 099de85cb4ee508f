"""Work done piece by piece: a piece that fails is told to operations and stops no other."""

from traceback import extract_tb
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
    neither it nor the facts are personal data.  The log has the error's class and where it came
    from, never its text: that may hold the very values that were worked on.
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
        named = str(getattr(error, "code", type(error).__name__))
        logger.error(
            self.kind.lower(),
            subject=self.subject,
            error=named,
            causes=_causes(error),
            at=[f"{part.filename}:{part.lineno} {part.name}" for part in extract_tb(trace)],
            **self.facts,
        )
        alert = {"kind": self.kind, "subject": self.subject, "message": self.message}
        try:
            for path in settings.OPERATIONS_ALERTS:
                import_string(path)(**alert, facts={**self.facts, "error": named})
        except Error as failure:
            # Without a database nobody can be told but by the log.
            logger.critical("operations_alert_failed", kind=self.kind, causes=_causes(failure))
        return True


def _causes(error: BaseException) -> list[str]:
    """Return the classes of the error and of what it came from, newest first."""
    found: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in found:
        found.append(current)
        current = current.__cause__ or current.__context__
    return [type(one).__qualname__ for one in found]
