"""Create the key-encryption key once, before the first start of a deployment."""

from typing import Any

from django.core.management.base import BaseCommand

from apps.infrastructure import keys


class Command(BaseCommand):
    help = "Create the first key-encryption key where KMS_URL says, if there is none."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        keys.asked(keys.provider().prepare)
        name = keys.asked(keys.provider().current)
        self.stdout.write(f"{name} wraps the data keys. Back it up: without it, data is lost.")
