"""What a browser is told: cookies, transport, the content security policy and its relatives."""

from typing import Any

from csp.constants import NONCE

CSP_REPORT_PATH = "/csp-report"
# Pages get the policy below; this one is for answers that are no pages and for error answers that
# are made before a policy is known.
CLOSED_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
# On every answer, whoever makes it.
BASELINE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Content-Security-Policy": CLOSED_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Reporting-Endpoints": f'csp="{CSP_REPORT_PATH}"',
}
# Scripts need the nonce of their page; the desk's pages, which Django writes, may also load
# scripts of this origin (stratford/admin.py).
POLICY: dict[str, list[Any]] = {
    "default-src": ["'self'"],
    "script-src": [NONCE],
    "style-src": ["'self'"],
    "img-src": ["'self'", "data:"],
    "connect-src": ["'self'"],
    "object-src": ["'none'"],
    "base-uri": ["'none'"],
    "form-action": ["'self'"],
    "frame-ancestors": ["'none'"],
    "report-to": ["csp"],
    "report-uri": [CSP_REPORT_PATH],
}
CLOSED_FEATURES = ("camera", "geolocation", "microphone", "payment", "usb")


def settings(*, is_embedded: bool) -> dict[str, Any]:
    """Return the settings of what browsers are told.

    The embedded demo speaks plain HTTP on this machine, where some browsers refuse Secure cookies
    and with them the `__Host-` prefix; a deployment has both.
    """
    is_tls = not is_embedded
    prefix = "__Host-" if is_tls else ""
    return {
        "SESSION_COOKIE_NAME": f"{prefix}sessionid",
        "CSRF_COOKIE_NAME": f"{prefix}csrftoken",
        "SESSION_COOKIE_SECURE": is_tls,
        "CSRF_COOKIE_SECURE": is_tls,
        "SESSION_COOKIE_HTTPONLY": True,
        "CSRF_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "CSRF_COOKIE_SAMESITE": "Lax",
        "CSRF_FAILURE_VIEW": "apps.infrastructure.error_pages.csrf_failure",
        # Messages live in the session: a cookie of their own would be one more to protect.
        "MESSAGE_STORAGE": "django.contrib.messages.storage.session.SessionStorage",
        # Pages asked for without TLS are sent there; the API's callers are refused instead.
        "SECURE_SSL_REDIRECT": is_tls,
        "SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https") if is_tls else None,
        "SECURE_HSTS_SECONDS": 31_536_000 if is_tls else 0,
        "SECURE_HSTS_INCLUDE_SUBDOMAINS": is_tls,
        "SECURE_HSTS_PRELOAD": is_tls,
        "SECURE_REFERRER_POLICY": "same-origin",
        "X_FRAME_OPTIONS": "DENY",
        "CONTENT_SECURITY_POLICY": {"DIRECTIVES": POLICY},
        "PERMISSIONS_POLICY": {feature: [] for feature in CLOSED_FEATURES},
    }
