"""Posts reach only addresses that are allowed, by whatever name, and follow nobody elsewhere."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.servers.certificates import authority, signed
from tests.servers.receiver import Receiver
from twinpack.ingest.posting import PostError, may_be_called, post, why_not_sent


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with closing(Receiver()) as server:
        yield server


@pytest.mark.parametrize(
    ("address", "allowed", "public"),
    [
        ("93.184.216.34", True, True),
        ("2606:2800:220:1::1", True, True),
        ("127.0.0.1", True, False),
        ("::1", True, False),
        ("10.1.2.3", True, False),
        ("100.64.1.1", True, False),
        ("192.168.1.1", True, False),
        ("fd00::1", True, False),
        ("2001:db8::1", True, False),
        ("::ffff:10.1.2.3", True, False),
        ("64:ff9b::a01:203", True, False),  # 10.1.2.3 behind a translator
        ("2002:a01:203::1", True, False),  # 10.1.2.3 by 6to4
        ("169.254.169.254", False, False),
        ("::ffff:169.254.169.254", False, False),
        ("64:ff9b::a9fe:a9fe", False, False),
        ("2002:a9fe:a9fe::1", False, False),
        ("fe80::1%eth0", False, False),
        ("224.0.0.1", False, False),
        ("0.0.0.0", False, False),
        ("::", False, False),
    ],
)
def test_which_addresses_may_be_called(address: str, allowed: bool, public: bool) -> None:
    assert may_be_called(address) is allowed
    assert may_be_called(address, private=False) is public


def test_a_name_of_this_machine_is_not_connected_to(receiver: Receiver) -> None:
    for host in ("localhost", "127.0.0.1"):
        with pytest.raises(PostError, match="private, of this machine or link-local, which is not allowed"):
            post(receiver.url(host=host), b"{}", {}, 5.0, private=False)
    assert receiver.paths == []
    post(receiver.url(host="localhost"), b"{}", {}, 5.0)
    assert receiver.paths == ["/hook"]


def test_a_name_is_looked_up_once_and_what_it_said_is_connected_to(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name server that answers with a public address first and a private one then has no second chance."""
    real, asked = socket.getaddrinfo, []

    def rebinding(host: str, *more: Any, **named: Any) -> Any:
        asked.append(host)
        return real("93.184.216.34" if len(asked) == 1 else "127.0.0.1", *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    tried: list[Any] = []

    def refuse(self: socket.socket, address: Any) -> None:
        tried.append(address)
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    with pytest.raises(ConnectionRefusedError):
        post(f"http://hooks.example:{receiver.port}/", b"{}", {}, 5.0, private=False)
    assert asked == ["hooks.example"]
    assert tried == [("93.184.216.34", receiver.port)]


def test_of_several_addresses_only_those_allowed_are_tried(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.getaddrinfo

    def both(host: str, *more: Any, **named: Any) -> Any:
        return [*real("169.254.169.254", *more, **named), *real("127.0.0.1", *more, **named)]

    monkeypatch.setattr(socket, "getaddrinfo", both)
    post(f"http://hooks.example:{receiver.port}/both", b"{}", {}, 5.0)
    assert receiver.paths == ["/both"]


@pytest.mark.parametrize(("status", "says"), [(302, "redirects are not followed"), (410, "answered 410"), (500, "500")])
def test_what_is_not_taken_says_its_status(receiver: Receiver, status: int, says: str) -> None:
    receiver.answer = status
    with pytest.raises(PostError, match=says) as caught:
        post(receiver.url("secret"), b"{}", {}, 5.0)
    assert caught.value.status == status
    assert "secret" not in why_not_sent(caught.value)
    assert receiver.paths == ["/secret"]


def test_one_that_does_not_answer_is_not_waited_for(receiver: Receiver) -> None:
    receiver.hold.clear()
    with pytest.raises(TimeoutError) as caught:
        post(receiver.url(), b"{}", {}, 0.2)
    assert why_not_sent(caught.value) == "not reached: TimeoutError"


def test_a_server_that_speaks_no_tls_is_sent_nothing(receiver: Receiver) -> None:
    with pytest.raises(OSError, match=r"SSL|record|protocol"):
        post(receiver.url().replace("http://", "https://"), b"{}", {}, 5.0)
    assert receiver.paths == []


def test_a_certificate_is_believed_where_somebody_known_vouches_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known, other = authority(tmp_path / "known"), authority(tmp_path / "other")
    with closing(Receiver(certificate=signed(tmp_path / "known", "hooks"))) as server:
        monkeypatch.setenv("SSL_CERT_FILE", str(known))
        post(server.url(host="localhost"), b"{}", {}, 5.0)
        assert server.paths == ["/hook"]
        monkeypatch.setenv("SSL_CERT_FILE", str(other))
        with pytest.raises(OSError, match="certificate verify failed") as caught:
            post(server.url("secret", host="localhost"), b"{}", {}, 5.0)
        assert "secret" not in why_not_sent(caught.value)
    assert server.paths == ["/hook"]


def test_a_name_that_does_not_exist() -> None:
    with pytest.raises(OSError) as caught:
        post("http://nowhere.invalid/", b"{}", {}, 5.0)
    assert why_not_sent(caught.value).startswith("not reached: ")
