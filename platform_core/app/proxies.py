"""Forwarded headers: believed only from the proxies that the operator names."""

import ipaddress
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_HOST")
WSGIApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def _without_port(hop: str) -> str:
    """Some proxies write the port too; limits by address must not count each connection by itself."""
    match = re.fullmatch(r"\[([0-9A-Fa-f:.]+)\](?::\d+)?|([0-9.]+):\d+", hop)
    return (match[1] or match[2]) if match else hop


class TrustedProxies:
    """WSGI middleware: takes address, scheme and host from a trusted proxy, and drops those headers otherwise.

    `networks` are addresses or CIDR networks (WEBSTORE_TRUSTED_PROXIES). Raises ValueError for what is neither.
    """

    def __init__(self, app: WSGIApp, networks: Sequence[str]) -> None:
        self._app = app
        self._networks = [ipaddress.ip_network(network, strict=False) for network in networks]

    def _trusts(self, address: str) -> bool:
        try:
            ip = ipaddress.ip_address(address.strip())
        except ValueError:
            return False
        mapped = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
        return any((mapped or ip) in network for network in self._networks)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        headers = {name: environ.pop(name, "") for name in FORWARDED}
        if self._trusts(environ.get("REMOTE_ADDR", "")):
            hops = [hop.strip() for hop in headers["HTTP_X_FORWARDED_FOR"].split(",") if hop.strip()]
            while hops and self._trusts(hops[-1]):
                hops.pop()
            if hops:
                environ["REMOTE_ADDR"] = _without_port(hops[-1])
            if headers["HTTP_X_FORWARDED_PROTO"] in {"http", "https"}:
                environ["wsgi.url_scheme"] = headers["HTTP_X_FORWARDED_PROTO"]
            if headers["HTTP_X_FORWARDED_HOST"]:
                environ["HTTP_HOST"] = headers["HTTP_X_FORWARDED_HOST"].rpartition(",")[2].strip()
        return self._app(environ, start_response)
