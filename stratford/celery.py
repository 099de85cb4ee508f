"""The Celery application; every context's `tasks.py` is found by itself.

How tasks are kept from being lost stands here; what a deployment chooses (broker, queues, schedule)
stands in the settings.
"""

import os

from celery import Celery
from django_structlog.celery.steps import DjangoStructLogInitStep

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "stratford.settings")

app = Celery("stratford")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.update(
    # A task is acknowledged when it is done; a killed worker's tasks come back within a minute.
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    broker_transport_options={
        "visibility_timeout": 60,
        "unacked_restore_interval": 10,
        "socket_timeout": 5,
        "socket_connect_timeout": 2,
        # Without this a command waits for seconds after its commit while the broker is away.
        "max_retries": 1,
        "interval_start": 0,
    },
    worker_prefetch_multiplier=1,
    task_time_limit=300,
    task_ignore_result=True,
    # Nothing waits for the broker: the outbox sends again what could not be sent.
    task_publish_retry=False,
    broker_connection_retry_on_startup=True,
    worker_hijack_root_logger=False,
)
app.autodiscover_tasks()
# A task logs, and emits events, under the correlation id of the request that led to it.
app.steps["worker"].add(DjangoStructLogInitStep)
