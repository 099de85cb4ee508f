"""Create the key that signs the checkpoints, once for each deployment."""

from typing import Any

from django.core.management.base import BaseCommand

from apps.audit.providers.signing import PUBLIC_NAME, public_key, signing_key_create
from apps.infrastructure.keys import keys_folder


class Command(BaseCommand):
    help = "Create the checkpoint key in the folder of KMS_URL if it is missing."

    def handle(self, *args: Any, **options: Any) -> None:
        folder = keys_folder()
        signing_key_create(folder)
        self.stdout.write(f"{public_key().hex()}  {folder / PUBLIC_NAME}")
