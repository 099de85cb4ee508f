"""The Celery application; every context's `tasks.py` is found by itself."""

import os

from celery import Celery
from django_structlog.celery.steps import DjangoStructLogInitStep

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "stratford.settings")

app = Celery("stratford")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
# A task logs, and emits events, under the correlation id of the request that led to it.
app.steps["worker"].add(DjangoStructLogInitStep)
