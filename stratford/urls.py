"""Addresses: the API under /api/v1, the desk under /admin, the portal at the root."""

from django.contrib import admin
from django.urls import include, path

from apps.infrastructure.csp import csp_report
from apps.infrastructure.health import health, livez, readyz
from apps.infrastructure.metrics import metrics
from apps.users.urls import pages as user_pages
from stratford.browser import CSP_REPORT_PATH

api = [
    path("", include("apps.infrastructure.urls")),
    path("", include("apps.users.urls")),
    path("", include("apps.market.urls")),
    path("", include("apps.trading.urls")),
    path("", include("apps.compliance.urls")),
    path("", include("apps.notifications.urls")),
    path("", include("apps.analytics.urls")),
]

urlpatterns = [
    path("livez", livez, name="livez"),
    path("readyz", readyz, name="readyz"),
    path("health", health, name="health"),
    path(CSP_REPORT_PATH.removeprefix("/"), csp_report, name="csp-report"),
    path("metrics", metrics, name="metrics"),
    path("api/v1/", include(api)),
    path("admin/", admin.site.urls),
    path("", include(user_pages)),
    path("", include("apps.portal.urls")),
]

handler400 = "apps.infrastructure.error_pages.bad_request"
handler403 = "apps.infrastructure.error_pages.permission_denied"
handler404 = "apps.infrastructure.error_pages.page_not_found"
handler500 = "apps.infrastructure.error_pages.server_error"
