"""Who may look at the machinery: verified staff, or a scraper on the same machine."""

from ipaddress import ip_address

from django.http import HttpRequest

# Set on a request that came with any forwarding header, whoever sent it (proxies.py).
FORWARDED = "stratford.forwarded"


def is_local(request: HttpRequest) -> bool:
    """Tell whether the request comes from this machine and through no proxy."""
    if request.META.get(FORWARDED, True):
        return False
    try:
        return ip_address(request.META.get("REMOTE_ADDR") or "").is_loopback
    except ValueError:
        return False


def is_verified_staff(request: HttpRequest) -> bool:
    """Tell whether a staff member with a verified second factor asks."""
    user = request.user
    return user.is_authenticated and user.is_staff and bool(getattr(user, "is_verified", bool)())
