"""Which passwords are taken: long ones of any letters that no breach has shown."""

from typing import Any

VALIDATORS: list[dict[str, Any]] = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "apps.users.providers.breached.BreachedPasswordValidator"},
]
