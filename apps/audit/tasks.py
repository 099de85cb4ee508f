"""Celery tasks of audit."""

import structlog
from celery import shared_task

from apps.audit import services
from apps.core.errors import Unavailable

logger = structlog.get_logger(__name__)


@shared_task(name="audit.outbox_deliver")
def outbox_deliver(context: str) -> None:
    services.outbox_deliver(context=context)


@shared_task(name="audit.outbox_sweep")
def outbox_sweep() -> None:
    services.outbox_sweep()


@shared_task(name="audit.prune_outbox")
def prune_outbox() -> None:
    logger.info("outbox_pruned", count=services.outbox_prune())


@shared_task(name="audit.write_checkpoint")
def write_checkpoint() -> None:
    try:
        services.checkpoint_write()
    except Unavailable as error:
        logger.warning("checkpoint_postponed", reason=error.message)
