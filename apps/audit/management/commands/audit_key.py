"""Create the key that signs the checkpoints, once for each deployment."""

from typing import Any

from django.core.management.base import BaseCommand

from apps.audit.providers.signing import public_key, signing_key_create


class Command(BaseCommand):
    help = "Create the checkpoint key in the folder of AUDIT_KEY_URL if it is missing."

    def handle(self, *args: Any, **options: Any) -> None:
        file = signing_key_create()
        self.stdout.write(f"{public_key().hex()}  {file}")
