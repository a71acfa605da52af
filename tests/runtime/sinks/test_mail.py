"""Alarms as mail through a real server: encrypted, logged in, each recipient for himself."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.runtime.sinks.made import Place
from tests.servers.certificates import authority, signed
from tests.servers.smtp import MailServer
from tests.waiting import until
from twinpack.errors import one_line
from twinpack.ingest.logs import JsonLines


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificates")
    authority(folder)
    signed(folder, "mail")
    return folder


@pytest.fixture
def server(certificates: Path) -> Iterator[MailServer]:
    with closing(MailServer((certificates / "mail.pem", certificates / "mail.key"), login=True)) as found:
        yield found


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with closing(Place(tmp_path / "home")) as found:
        yield found


def mail(server: MailServer, certificates: Path, more: str = "", tls: str = "starttls", login: bool = True) -> str:
    ca = f'ca_file = "{certificates / "ca.pem"}"\n' if tls != "none" else ""
    user = 'user = "twin"\npassword_file = "mail.password"\n' if login else ""
    return (
        f'[[sink]]\nname = "mail"\ntype = "email"\nhost = "127.0.0.1"\nport = {server.port}\ntls = "{tls}"\n{ca}{user}'
        f'from = "twins@fleet.example"\nto = ["a@fleet.example", "b@fleet.example"]\n{more}\n'
    )


def begin(place: Place, server: MailServer, settings: str) -> Place:
    (place.workspace.home / "mail.password").write_text(f"{server.password}\n")
    return place.with_sinks(settings)


def begun(place: Place) -> None:
    until(lambda: "sink:mail" in place.registry.streams())


def test_a_technician_can_read_it(place: Place, server: MailServer, certificates: Path) -> None:
    with begin(place, server, mail(server, certificates)).sinks():
        begun(place)
        evidence = {
            "text": "isolation fell to 87 ohm/V, the limit is 100 ohm/V",
            "isolation_ohm_per_v": 87.4999,
            "freeze_frame": {"soc_pct": 61.5, "pack_voltage_v": 380.25},
            "cells": [1, 2, 3],
        }
        event = place.finds(evidence=evidence)
        until(lambda: server.mails)
    ((message, to),) = server.mails
    (alarm,) = place.registry.alarms.alarms()
    assert to == ["a@fleet.example", "b@fleet.example"]
    assert server.secure == [True]
    assert server.logins == ["twin"]
    assert (message["From"], message["To"]) == ("twins@fleet.example", "a@fleet.example, b@fleet.example")
    assert message["Message-ID"] == f"<{event.event_id}.mail@fleet.example>"
    assert message["References"] == f"<alarm-{alarm.alarm_id}.mail@fleet.example>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Subject"] == ("Alarm: car-1, P0AA6, severity 3: isolation fell to 87 ohm/V, the limit is 100 ohm/V")
    lines = message.get_content().splitlines()
    assert lines[0] == "P0AA6 on car-1 is found."
    assert lines[1] == "Isolation fell to 87 ohm/V, the limit is 100 ohm/V."
    told = {one_line(line) for line in lines}
    assert {
        "Vehicle car-1, fleet default",
        "Severity 3, stop or call rescue",
        "isolation ohm per v 87.5",
        "freeze frame: soc pct 61.5",
        "cells 1, 2, 3",
        f"twinpack alarms show {alarm.alarm_id}",
        f"Event {event.event_id}",
    } <= told
    assert message.get_content_type() == "text/plain"


def test_its_end_is_told_in_the_same_thread(place: Place, server: MailServer, certificates: Path) -> None:
    with begin(place, server, mail(server, certificates)).sinks():
        begun(place)
        place.finds()
        place.finds("gone", evidence={"text": "healed"})
        until(lambda: len(server.mails) == 2)
    first, second = (message for message, _ in server.mails)
    assert first["References"] == second["References"]
    assert first["Message-ID"] != second["Message-ID"]
    assert second["Subject"] == "Cleared: car-1, P0AA6, severity 3: healed"


def test_tls_from_the_start_and_none(place: Place, certificates: Path) -> None:
    pair = (certificates / "mail.pem", certificates / "mail.key")
    for tls, certificate in (("tls", pair), ("none", None)):
        with closing(MailServer(certificate, tls=tls)) as server:
            with begin(place, server, mail(server, certificates, tls=tls, login=False)).sinks():
                begun(place)
                place.finds(vehicle=f"car-{tls}")
                until(lambda server=server: server.mails)  # type: ignore[misc]
            assert server.secure == [tls == "tls"]
            assert server.mails[0][0]["Subject"].startswith(f"Alarm: car-{tls}")


def test_a_server_that_does_not_encrypt_gets_neither_password_nor_mail(place: Place, certificates: Path) -> None:
    with closing(MailServer(None, tls="none")) as server:
        with begin(place, server, mail(server, certificates)).sinks() as sinks:
            begun(place)
            place.finds()
            until(lambda: "STARTTLS" in sinks.states[0].problem)
        assert server.mails == []
        assert server.logins == []


def test_a_certificate_of_another_authority_is_refused(
    place: Place, server: MailServer, certificates: Path, tmp_path: Path
) -> None:
    authority(tmp_path / "other")
    with begin(place, server, mail(server, tmp_path / "other")).sinks() as sinks:
        begun(place)
        place.finds()
        until(lambda: sinks.states[0].failures)
        assert "certificate verify failed" in sinks.states[0].problem.lower()
    assert server.logins == []


def test_a_wrong_password_is_no_fault_of_the_message(
    place: Place, server: MailServer, certificates: Path, caplog: pytest.LogCaptureFixture
) -> None:
    begin(place, server, mail(server, certificates, more="tries = 1"))
    (place.workspace.home / "mail.password").write_text("hunter2")
    with place.sinks() as sinks:
        begun(place)
        place.finds()
        until(lambda: sinks.states[0].failures > 2)
        assert sinks.states[0].problem == "user or password not taken (535)"
        (place.workspace.home / "mail.password").write_text(server.password)
        until(lambda: server.mails)
    told = repr([vars(record) for record in caplog.records])
    assert "hunter2" not in told
    assert server.password not in told


def test_one_recipient_that_is_not_known_does_not_keep_the_other_from_it(
    place: Place, server: MailServer, certificates: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server.refuse["a@fleet.example"] = "550 5.1.1 no such user"
    with begin(place, server, mail(server, certificates)).sinks() as sinks:
        begun(place)
        place.finds()
        until(lambda: sinks.states[0].sent)
    assert [to for _, to in server.mails] == [["b@fleet.example"]]
    (told,) = [record for record in caplog.records if record.message == "sink_recipient_refused"]
    assert vars(told)["twinpack_fields"]["error"] == "a@fleet.example refused: 550 5.1.1 no such user"


def test_one_that_is_to_come_again_is_sent_to_alone(place: Place, server: MailServer, certificates: Path) -> None:
    server.refuse["a@fleet.example"] = "451 4.7.1 greylisted"
    with begin(place, server, mail(server, certificates)).sinks() as sinks:
        begun(place)
        place.finds()
        until(lambda: sinks.states[0].failures > 1)
        assert "451 4.7.1 greylisted" in sinks.states[0].problem
        server.refuse.clear()
        until(lambda: sinks.states[0].sent)
    assert [to for _, to in server.mails] == [["b@fleet.example"], ["a@fleet.example"]]


@pytest.mark.parametrize(
    "refused", [{"a@fleet.example": "550 no", "b@fleet.example": "553 no"}, {"DATA": "554 5.7.1 spam"}]
)
def test_mail_that_nobody_takes_is_given_up(
    place: Place, server: MailServer, certificates: Path, refused: dict[str, str]
) -> None:
    server.refuse |= refused
    with begin(place, server, mail(server, certificates, more="tries = 2")).sinks() as sinks:
        begun(place)
        place.finds(vehicle="car-lost")
        until(lambda: sinks.states[0].given_up)
        server.refuse.clear()
        place.finds(vehicle="car-next")
        until(lambda: server.mails)
    assert server.mails[0][0]["Subject"].startswith("Alarm: car-next")


def test_a_server_that_is_down_is_waited_for(place: Place, certificates: Path) -> None:
    with closing(MailServer(None, tls="none")) as gone:
        port = gone.port
    with begin(place, gone, mail(gone, certificates, tls="none", login=False)).sinks() as sinks:
        begun(place)
        place.finds()
        until(lambda: sinks.states[0].problem == "not reached: Connection refused")
        with closing(MailServer(None, tls="none", port=port)) as back:
            until(lambda: back.mails)


def test_what_people_wrote_cannot_add_headers(place: Place, server: MailServer, certificates: Path) -> None:
    with begin(place, server, mail(server, certificates)).sinks():
        begun(place)
        place.finds(evidence={"text": "bad\r\nBcc: thief@else.example\r\n\r\nhello"}, subject="cell 1\nX: y")
        until(lambda: server.mails)
    ((message, to),) = server.mails
    assert to == ["a@fleet.example", "b@fleet.example"]
    assert message["Bcc"] is None
    assert message["X"] is None


def test_the_log_is_a_sink_too(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    with place.with_sinks('[[sink]]\nname = "log"\ntype = "log"\nlevel = "watch"').sinks() as sinks:
        until(lambda: "sink:log" in place.registry.streams())
        event = place.finds()
        place.finds(level="watch", code="TP-SPREAD", severity=1)
        place.finds("gone")
        until(lambda: sinks.states[0].sent == 3)
    told = [record for record in caplog.records if record.name == "twinpack.gateway.alarms"]
    assert [(record.message, record.levelno) for record in told] == [
        ("alarm_raised", logging.ERROR),
        ("alarm_raised", logging.WARNING),
        ("alarm_cleared", logging.WARNING),
    ]
    fields = vars(told[0])["twinpack_fields"]
    assert (fields["id"], fields["vehicle"], fields["sink"]) == (event.event_id, "car-1", "log")
    lines = [json.loads(JsonLines().format(record)) for record in told]
    assert [(line["level"], line["alarm_level"]) for line in lines] == [
        ("error", "alarm"),
        ("warning", "watch"),
        ("warning", "alarm"),
    ]
