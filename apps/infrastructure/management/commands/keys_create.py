"""Create the encryption keys once, before the first start of a deployment."""

from typing import Any

from django.core.management.base import BaseCommand

from apps.infrastructure import keys


class Command(BaseCommand):
    help = "Create the missing encryption keys in the folder that KMS_URL names."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        folder = keys.keys_folder()
        keys.keys_create(folder)
        self.stdout.write(f"The keys are in {folder}. Back them up: without them, data is lost.")
