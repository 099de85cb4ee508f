"""Which admin site the project uses."""

from django.contrib.admin.apps import AdminConfig


class StratfordAdminConfig(AdminConfig):
    default_site = "stratford.admin.StratfordAdminSite"
