"""A mail server that notes what it is sent and answers as it is told."""

from __future__ import annotations

import asyncio
import email
import email.policy
import ssl
import threading
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


class MailServer:
    """Listens at 127.0.0.1.

    Attributes:
        mails: Messages that were taken, each with the addresses that it was for.
        refuse: Address, or `DATA`, and what is answered to it.
        password: The one password that is taken.
        logins: User names of the log-ins that were tried.
        secure: Whether each message came over an encrypted line.
    """

    def __init__(
        self, certificate: tuple[Path, Path] | None = None, *, port: int = 0, tls: str = "starttls", login: bool = False
    ) -> None:
        self.mails: list[tuple[EmailMessage, list[str]]] = []
        self.refuse: dict[str, str] = {}
        self.password = "pa ss:word"
        self.logins: list[str] = []
        self.secure: list[bool] = []
        self._login, self._tls = login, tls
        self._context: ssl.SSLContext | None = None
        if certificate is not None:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(*certificate)
        self._wanted_port = port
        self._loop = asyncio.new_event_loop()
        self._up = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        self._up.wait()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        direct = self._context if self._tls == "tls" else None
        server = self._loop.run_until_complete(
            self._loop.create_server(self._protocol, "127.0.0.1", self._wanted_port, ssl=direct)
        )
        self.port = server.sockets[0].getsockname()[1]
        self._up.set()
        self._loop.run_forever()
        server.close()
        self._loop.run_until_complete(server.wait_closed())
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
            self._loop.run_until_complete(asyncio.wait([task]))
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    def _protocol(self) -> SMTP:
        starttls = self._context if self._tls == "starttls" else None
        return SMTP(
            self,
            loop=self._loop,
            tls_context=starttls,
            require_starttls=starttls is not None,
            auth_required=self._login,
            auth_require_tls=self._tls == "starttls",
            authenticator=self._check if self._login else None,
        )

    def _check(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append(data.login.decode())
        return AuthResult(success=data.password == self.password.encode(), handled=False)

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refuse:
            return self.refuse[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if "DATA" in self.refuse:
            return self.refuse["DATA"]
        assert isinstance(envelope.content, bytes)
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        self.secure.append(session.ssl is not None or self._tls == "tls")
        self.mails.append((message, list(envelope.rcpt_tos)))
        return "250 OK"
