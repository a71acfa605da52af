"""Posting to addresses that people named: no redirect is followed, and only allowed addresses are connected to.

A name is looked up once, and what it led to is what is connected to: a name that leads elsewhere the next moment gets
nowhere. Errors tell nothing of an address but what `shown_url` shows.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
from base64 import b64encode
from collections.abc import Iterator, Mapping
from typing import TypeAlias
from urllib.parse import unquote, urlsplit

_IP: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class PostError(Exception):
    """A post was not taken; the message holds no secret.

    Attributes:
        status: What was answered; 0 when it came to no answer.
    """

    def __init__(self, message: str, status: int = 0) -> None:
        """What went wrong, and the status where there was one."""
        super().__init__(message)
        self.status = status


def post(url: str, body: bytes, headers: Mapping[str, str], timeout_s: float, *, private: bool = True) -> None:
    """Post JSON once; a redirect is not followed.

    Args:
        url: Where to; a user and password in it log in (Basic).
        body: The JSON.
        headers: What goes with it.
        timeout_s: Longest wait for the other side at any step, seconds.
        private: Whether addresses of private networks and of this machine may be called.

    Raises:
        PostError: It was not taken with a status of 200 to 299.
        OSError: The other side cannot be reached, or did not answer in time.
    """
    parts = urlsplit(url)
    connection = _connection(url, timeout_s)
    try:
        connection.sock = _connected(url, timeout_s, private)
        path = parts.path or "/"
        target = f"{path}?{parts.query}" if parts.query else path
        connection.request("POST", target, body, {"Content-Type": "application/json", **_login(url), **headers})
        status = connection.getresponse().status
    except http.client.HTTPException as error:
        raise PostError(f"the answer is not HTTP ({type(error).__name__})") from None
    finally:
        connection.close()
    if 300 <= status < 400:
        raise PostError(f"answered {status}: redirects are not followed", status)
    if not 200 <= status < 300:
        raise PostError(f"answered {status}", status)


def why_not_sent(error: Exception) -> str:
    """What went wrong with a post, without anything of the address."""
    if isinstance(error, OSError):
        return f"not reached: {error.strerror or type(error).__name__}"
    return str(error) if isinstance(error, PostError) else f"unexpected error, {type(error).__name__}"


def may_be_called(address: str, private: bool = True) -> bool:
    """Whether an IP address may be called.

    Link-local ones hand out the credentials of a machine in a cloud: never. Private ones are the operator's to allow.

    Args:
        address: As a socket names it.
        private: Whether private networks and this machine are allowed.
    """
    found = _inner(ipaddress.ip_address(address.split("%")[0]))
    if found.is_link_local or found.is_multicast or found.is_unspecified:
        return False
    return private or found.is_global


def _inner(address: _IP) -> _IP:
    """The IPv4 address that an IPv6 one leads to, where it does."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or address


def _connection(url: str, timeout_s: float) -> http.client.HTTPConnection:
    """What speaks HTTP over a socket that it is handed: names the host, and opens nothing by itself."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=timeout_s)
    connection.auto_open = 0
    return connection


def _connected(url: str, timeout_s: float, private: bool) -> socket.socket:
    parts = urlsplit(url)
    host, secure = parts.hostname or "", parts.scheme == "https"
    plain = _reach(host, parts.port or (443 if secure else 80), timeout_s, private)
    if not secure:
        return plain
    try:
        return ssl.create_default_context().wrap_socket(plain, server_hostname=host)
    except BaseException:
        plain.close()
        raise


def _reach(host: str, port: int, timeout_s: float, private: bool) -> socket.socket:
    """Connect to the first address of a host that may be called and answers."""
    failure: Exception | None = None
    for family, kind, protocol, address in _allowed(host, port, private):
        opened = socket.socket(family, kind, protocol)
        try:
            opened.settimeout(timeout_s)
            opened.connect(address)
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            opened.close()
            failure = error
        else:
            return opened
    if failure is None:
        which = "link-local, multicast or unspecified" if private else "private, of this machine or link-local"
        raise PostError(f"the address is {which}, which is not allowed")
    raise failure


def _allowed(host: str, port: int, private: bool) -> Iterator[tuple[int, int, int, tuple[str, int]]]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError:  # a label of the name is empty or too long
        raise OSError(0, "no such name") from None
    for family, kind, protocol, _, address in found:
        if may_be_called(str(address[0]), private):
            yield family, kind, protocol, address  # type: ignore[misc]


def _login(url: str) -> dict[str, str]:
    parts = urlsplit(url)
    if parts.username is None:
        return {}
    user = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return {"Authorization": f"Basic {b64encode(user.encode()).decode()}"}
