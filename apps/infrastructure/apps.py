from django.apps import AppConfig


class InfrastructureConfig(AppConfig):
    name = "apps.infrastructure"

    def ready(self) -> None:
        from apps.infrastructure import checks  # noqa: F401
