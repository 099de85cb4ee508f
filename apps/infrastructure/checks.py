"""`manage.py check --deploy`: every service is asked over TLS, and its certificate is verified."""

from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core import checks

HINT = "See docs/adr/0021-tls-everywhere.md."
FALSE = frozenset({"0", "false", "no", "off"})


@checks.register(checks.Tags.security, deploy=True)
def check_transport(
    app_configs: Sequence[AppConfig] | None = None, **options: Any
) -> list[checks.CheckMessage]:
    """Refuse addresses without verified TLS; only warn where the deployment allows them.

    A unix socket needs none.
    """
    kind = checks.Warning if settings.ALLOW_PLAINTEXT_SERVICES else checks.Error
    findings = [*_databases(), *_redis(), *_documents(), *_mail(), *_scanner()]
    return [kind(text, hint=HINT, id=f"infrastructure.{number}") for number, text in findings]


@checks.register(checks.Tags.security, deploy=True)
def check_malware_scanner(
    app_configs: Sequence[AppConfig] | None = None, **options: Any
) -> list[checks.CheckMessage]:
    """Warn that uploads are scanned for the test signature only."""
    if settings.CLAMD_URL:
        return []
    text = "CLAMD_URL is not set: of all malware, uploads are scanned for the EICAR test file only."
    return [checks.Warning(text, id="infrastructure.W001")]


def _databases() -> Iterator[tuple[str, str]]:
    for alias, database in settings.DATABASES.items():
        if str(database["HOST"]).startswith("/"):
            continue
        options = database["OPTIONS"]
        if options.get("sslmode") != "verify-full" or not options.get("sslrootcert"):
            yield "E001", f"The address of {alias} lacks sslmode=verify-full and sslrootcert."


def _redis() -> Iterator[tuple[str, str]]:
    address = urlsplit(settings.REDIS_URL)
    if address.scheme == "unix":
        return
    query = parse_qs(address.query)
    if address.scheme != "rediss":
        yield "E002", "REDIS_URL is not rediss://."
    elif _first(query, "ssl_cert_reqs", "required").lower() not in {"required", "cert_required"}:
        yield "E002", "REDIS_URL does not have the server's certificate verified."
    elif _first(query, "ssl_check_hostname", "true").lower() in FALSE:
        yield "E002", "REDIS_URL does not have the server's name verified."


def _documents() -> Iterator[tuple[str, str]]:
    address = urlsplit(settings.MONGO_URL)
    query = {name.lower(): values for name, values in parse_qs(address.query).items()}
    default = "true" if address.scheme == "mongodb+srv" else "false"
    if _first(query, "tls", _first(query, "ssl", default)).lower() != "true":
        yield "E003", "MONGO_URL lacks tls=true."
    for option in ("tlsInsecure", "tlsAllowInvalidCertificates", "tlsAllowInvalidHostnames"):
        if _first(query, option.lower(), "false").lower() != "false":
            yield "E003", f"MONGO_URL has {option}."


def _mail() -> Iterator[tuple[str, str]]:
    is_smtp = settings.EMAIL_BACKEND == "django.core.mail.backends.smtp.EmailBackend"
    if is_smtp and not (settings.EMAIL_USE_TLS or settings.EMAIL_USE_SSL):
        yield "E004", "EMAIL_URL is neither smtp+tls:// nor smtp+ssl://."


def _scanner() -> Iterator[tuple[str, str]]:
    address = urlsplit(settings.CLAMD_URL)
    if address.scheme == "tcp" and address.hostname not in {"localhost", "127.0.0.1", "::1"}:
        yield "E005", "CLAMD_URL sends documents unencrypted: use a unix socket or a local tunnel."


def _first(query: dict[str, list[str]], name: str, default: str) -> str:
    return query.get(name, [default])[0]
