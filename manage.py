#!/usr/bin/env python
"""Run a Django management command on the configured or the embedded services."""

import os
import sys

from django.core.management import execute_from_command_line

from stratford import embedded

# Migrations change tables, a rotation makes newer keys and encrypts append-only rows again; every
# other command runs as the application's role, which may do neither.
OWNER_COMMANDS = {"migrate", "keys_rotate"}

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "stratford.settings")
    if sys.argv[1:2] and sys.argv[1] in OWNER_COMMANDS:
        os.environ["STRATFORD_DATABASE_ROLE"] = "owner"
    with embedded.running():
        execute_from_command_line(sys.argv)
