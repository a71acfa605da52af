"""Sockets that services listen at."""

from __future__ import annotations

import socket

import pytest

from twinpack.ingest.listening import listening_socket


def test_what_is_sent_over_a_connection_does_not_wait() -> None:
    with listening_socket("127.0.0.1", 0) as listening, socket.create_connection(listening.getsockname()):
        accepted, _ = listening.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_an_address_of_the_newer_kind_is_listened_at() -> None:
    if not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    with listening_socket("::1", 0) as listening:
        assert listening.family == socket.AF_INET6


def test_a_port_in_use_is_refused() -> None:
    with listening_socket("127.0.0.1", 0) as taken, pytest.raises(OSError):
        listening_socket("127.0.0.1", taken.getsockname()[1])
