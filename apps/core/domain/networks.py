"""Addresses of callers and the networks that they belong to."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network
IPV4_KEPT, IPV6_KEPT = 24, 48
IPV6_OWNED = 64


def address_of(text: str) -> IPv4Address | IPv6Address | None:
    """Return the address, an IPv4 one inside IPv6 as itself; None for any other text."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            return None
        return address.ipv4_mapped or address
    return address


def network_of(text: str) -> Network | None:
    """Return the network in CIDR; None for any other text, host bits and zones included."""
    try:
        return ip_network(text)
    except ValueError:
        return None


def is_within(text: str, networks: "list[str] | tuple[str, ...]") -> bool:
    """Tell whether the address lies in one of the networks; no address lies in none."""
    address = address_of(text)
    return address is not None and any(address in ip_network(network) for network in networks)


def masked(text: str) -> str:
    """Return the network of an address, too wide to name one household: /24 and /48."""
    return _cut(text, IPV4_KEPT, IPV6_KEPT)


def caller_of(text: str) -> str:
    """Return what one caller has: an IPv4 address, or an IPv6 network of 64 bits."""
    return _cut(text, 32, IPV6_OWNED)


def _cut(text: str, ipv4_bits: int, ipv6_bits: int) -> str:
    address = address_of(text)
    if address is None:
        return ""
    bits = ipv4_bits if isinstance(address, IPv4Address) else ipv6_bits
    return str(ip_network(f"{address}/{bits}", strict=False))
