"""The Celery application; every context's `tasks.py` is found by itself."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "stratford.settings")

app = Celery("stratford")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
