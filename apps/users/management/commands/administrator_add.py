"""Make an administrator: the first ones of a new installation, who give everybody else's roles."""

import getpass
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.core.errors import DomainError
from apps.users.domain.roles import Role
from apps.users.services.accounts import user_provision


class Command(BaseCommand):
    help = "Make an administrator; the password is asked for, or read from standard input."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--name", default="", help="how the desk names them")

    def handle(self, *args: Any, **options: Any) -> None:
        password = getpass.getpass() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
        try:
            user_provision(
                email=options["email"],
                password=password,
                display_name=options["name"],
                roles=[Role.ADMINISTRATOR],
                with_totp=False,
            )
        except DomainError as error:
            raise CommandError(error.message) from error
        self.stdout.write("Made. They set up their second factor at the first sign-in.")
