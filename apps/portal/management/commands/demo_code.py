"""Print a second-factor code of one of the demo's people that is good for a few seconds yet."""

import base64
import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django_otp.oath import TOTP

from apps.portal.management.demo import People

STEP_SECONDS = 30
LEAST_SECONDS = 3


class Command(BaseCommand):
    help = "Print the code that a person of the demo would read from their authenticator app."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")

    def handle(self, *args: Any, **options: Any) -> None:
        people = People(settings.VAR_DIR).people
        secret = next((item.totp_secret for item in people if item.email == options["email"]), "")
        if not secret:
            raise CommandError("The demo knows nobody of that e-mail address.")
        left = STEP_SECONDS - time.time() % STEP_SECONDS
        if left < LEAST_SECONDS:
            time.sleep(left)
        padded = secret + "=" * (-len(secret) % 8)
        self.stdout.write(f"{TOTP(base64.b32decode(padded)).token():06d}")
