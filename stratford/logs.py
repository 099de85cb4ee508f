"""Structured logs: one JSON object a line, with the correlation id that runs through everything."""

from typing import Any

import structlog

SHARED = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)
SERVER_LOGGERS = ("uvicorn", "uvicorn.error", "uvicorn.access")


def configure() -> dict[str, Any]:
    """Configure structlog; return what Django's LOGGING must say to go with it."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *SHARED,
            structlog.processors.format_exc_info,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "json": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processor": structlog.processors.JSONRenderer(),
                "foreign_pre_chain": SHARED,
            }
        },
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"handlers": ["console"], "level": "INFO"},
        "loggers": {
            "django_structlog": {"level": "INFO"},
            # The web server's own lines take the same form as ours.
            **{name: {"handlers": [], "propagate": True} for name in SERVER_LOGGERS},
        },
    }
