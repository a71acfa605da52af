"""Notices as mail, one message each, over an encrypted line unless the settings say otherwise."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import formatdate
from pathlib import Path

from twinpack.errors import one_line
from twinpack.ingest.logs import Events
from twinpack.runtime.sinks.notice import Notice, headline, letter
from twinpack.runtime.sinks.outcome import NotSentError, RefusedError, secret_of
from twinpack.store.sinks import Sink

_EVENTS = Events("sinks")
_LONGEST_SUBJECT = 180


class MailSender:
    """Sends notices through a mail server."""

    def __init__(self, sink: Sink, home: Path, timeout_s: float) -> None:
        """Send to the addresses of a sink."""
        self._sink, self._home, self._timeout_s = sink, home, timeout_s
        self._at_hand = ""
        self._left: list[str] = []

    def send(self, notice: Notice) -> None:
        """Send it to those addresses that have not had it yet; one that is refused does not keep it from the others."""
        if self._at_hand != notice.event_id:
            self._at_hand, self._left = notice.event_id, list(self._sink.to)
        message = mail_of(notice, self._sink)
        refused: Mapping[str, tuple[int, bytes]] | None = None
        try:
            with self._server() as server:
                refused = self._hand_over(server, message)
        except smtplib.SMTPSenderRefused as error:
            raise _outcome(f"sender {self._sink.sender} refused", error.smtp_code, error.smtp_error) from None
        except smtplib.SMTPDataError as error:
            raise _outcome("message refused", error.smtp_code, error.smtp_error) from None
        except smtplib.SMTPAuthenticationError as error:
            raise NotSentError(f"user or password not taken ({error.smtp_code})") from None
        except (smtplib.SMTPException, OSError) as error:
            if refused is None:  # else only the good-bye went wrong
                raise NotSentError(_why(error)) from None
        self._settle(refused or {})

    def _hand_over(self, server: smtplib.SMTP, message: EmailMessage) -> Mapping[str, tuple[int, bytes]]:
        try:
            return server.send_message(message, self._sink.sender, self._left)
        except smtplib.SMTPRecipientsRefused as error:  # all of them
            return error.recipients

    def _settle(self, refused: Mapping[str, tuple[int, bytes]]) -> None:
        """Tell whom the server does not know; those it asks to come again for are left for the next try."""
        told = {address: f"{address} refused: {_said(*answer)}" for address, answer in refused.items()}
        self._left = [address for address in self._left if address in refused]
        if any(code < 500 for code, _ in refused.values()):
            raise NotSentError("; ".join(told.values()))
        if len(refused) == len(self._sink.to):
            raise RefusedError("; ".join(told.values()))
        for address, why in told.items():
            _EVENTS.warning("sink_recipient_refused", sink=self._sink.name, recipient=address, error=why)

    @contextmanager
    def _server(self) -> Iterator[smtplib.SMTP]:
        sink, context = self._sink, None
        if sink.tls != "none":
            context = ssl.create_default_context(cafile=str(self._path(sink.ca_file)) if sink.ca_file else None)
        if context is not None and sink.tls == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                sink.host, sink.server_port, timeout=self._timeout_s, context=context
            )
        else:
            server = smtplib.SMTP(sink.host, sink.server_port, timeout=self._timeout_s)
        with server:
            if context is not None and sink.tls == "starttls":
                server.starttls(context=context)
            if sink.user:
                server.login(sink.user, self._password())
            yield server

    def _password(self) -> str:
        found = secret_of(self._home, self._sink.password_file, "password_file")
        if not found.isascii():
            raise NotSentError("password_file holds signs other than those of ASCII, which no mail server takes")
        return found.decode()

    def _path(self, file: str) -> Path:
        return self._home / Path(file).expanduser()


def mail_of(notice: Notice, sink: Sink) -> EmailMessage:
    """A notice as a message: the same event has the same Message-ID, and those of one alarm make a thread."""
    message = EmailMessage()
    domain = Address(addr_spec=sink.sender).domain
    subject = one_line(headline(notice))
    message["Subject"] = subject if len(subject) <= _LONGEST_SUBJECT else f"{subject[: _LONGEST_SUBJECT - 1]}…"
    message["From"] = sink.sender
    message["To"] = ", ".join(sink.to)
    message["Date"] = formatdate()
    message["Message-ID"] = f"<{notice.event_id}.{sink.name}@{domain}>"
    if notice.alarm_id:
        message["References"] = f"<alarm-{notice.alarm_id}.{sink.name}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"  # so that nobody's holiday answers it
    message["X-Twinpack-Event"] = notice.event_id
    message.set_content(letter(notice))
    return message


def _outcome(what: str, code: int, said: bytes | str) -> NotSentError:
    kind = RefusedError if code >= 500 else NotSentError
    return kind(f"{what}: {_said(code, said)}")


def _said(code: int, text: bytes | str) -> str:
    told = text.decode(errors="replace") if isinstance(text, bytes) else text
    return f"{code} {one_line(told)[:120]}".strip()


def _why(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return f"the server answered {_said(error.smtp_code, error.smtp_error)}"
    if isinstance(error, smtplib.SMTPException):
        return f"the server ended it: {one_line(str(error)) or type(error).__name__}"
    return f"not reached: {getattr(error, 'strerror', None) or type(error).__name__}"
