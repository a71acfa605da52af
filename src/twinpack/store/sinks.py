"""`[[sink]]` tables of `settings.toml`: where alarms are sent, and which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.headerregistry import Address
from typing import Any, Literal

from twinpack.detect.findings import CATEGORIES, LEVELS
from twinpack.errors import NotFoundError, SettingsError
from twinpack.store.checks import flag, one_of, text, whole
from twinpack.store.named import check_table, key, keys, keys_text, parse_tables, span, table_text
from twinpack.store.named import name as name_check
from twinpack.store.spans import span_us
from twinpack.store.urls import is_http_url, shown_url

WEBHOOK: Literal["webhook"] = "webhook"
EMAIL: Literal["email"] = "email"
LOG: Literal["log"] = "log"
TYPES = (WEBHOOK, EMAIL, LOG)

RAISED, PASSED, CLEARED = "raised", "passed", "cleared"
EVENTS = (RAISED, PASSED, CLEARED)

_PORTS = {"starttls": 587, "tls": 465, "none": 25}
_ONLY = {
    WEBHOOK: ("url", "secret_file", "allow_private"),
    EMAIL: ("host", "port", "tls", "ca_file", "user", "password_file", "from", "to"),
    LOG: (),
}
_NEEDED = {WEBHOOK: ("url", "secret_file"), EMAIL: ("host", "from", "to"), LOG: ()}


def _url(value: Any) -> str:
    return "" if isinstance(value, str) and is_http_url(value) else "an address such as https://host/path"


def _host(value: Any) -> str:
    allowed = isinstance(value, str) and value.isascii() and value.isprintable() and value and " " not in value
    return "" if allowed else "the name of a mail server"


def _mail(value: Any) -> str:
    try:
        parsed = Address(addr_spec=value) if isinstance(value, str) and value.isascii() else None
    except (ValueError, IndexError):
        parsed = None
    return "" if parsed is not None and parsed.domain and "\n" not in value else "an address such as a@b.example"


def _mails(value: Any) -> str:
    allowed = isinstance(value, (list, tuple)) and value and not any(_mail(each) for each in value)
    return "" if allowed else 'a list of addresses such as ["a@b.example"]'


def _texts(value: Any) -> str:
    allowed = isinstance(value, (list, tuple)) and all(isinstance(each, str) and each for each in value)
    return "" if allowed else "a list of names"


def _span_or_none(value: Any) -> str:
    return "" if value == "" else span(value)


def _some_of(*allowed: str) -> Any:
    def check(value: Any) -> str:
        good = isinstance(value, (list, tuple)) and value and all(each in allowed for each in value)
        return "" if good else "a list of " + ", ".join(f'"{each}"' for each in allowed)

    return check


@dataclass(frozen=True)
class Sink:
    """Where alarms are sent, and which."""

    name: str = key("", name_check, "name, unlike the others'")
    type: Literal["webhook", "email", "log"] = key(LOG, one_of(*TYPES), "webhook, email or log")
    level: Literal["watch", "alarm"] = key("alarm", one_of(*LEVELS), "least level: watch (all) or alarm")
    min_severity: int = key(0, whole(0, 3), "least severity, 0 to 3")
    categories: tuple[str, ...] = key(
        CATEGORIES, _some_of(*CATEGORIES), "what is at fault: any of battery, sensor, data"
    )
    fleets: tuple[str, ...] = key((), _texts, "fleets whose alarms are sent; [] for all")
    events: tuple[str, ...] = key((RAISED, CLEARED), _some_of(*EVENTS), "what is told: any of raised, passed, cleared")
    repeat: str = key("24h", span, "an alarm that is raised again is told again after this time")
    max_age: str = key("7d", _span_or_none, 'what is found in data older than this is not told; "" tells it')
    tries: int = key(8, whole(1, 1000), "tries after which what the other side refuses is given up")
    url: str = key("", _url, "webhook: where it is posted to, https://host/path", secret=True)
    secret_file: str = key("", text, "webhook: file that holds the secret it is signed with")
    allow_private: bool = key(False, flag, "webhook: whether addresses of private networks may be called")
    host: str = key("", _host, "email: the mail server")
    port: int = key(0, whole(0, 65_535), "email: its port; 0 is 587 (starttls), 465 (tls) or 25 (none)")
    tls: Literal["starttls", "tls", "none"] = key(
        "starttls", one_of(*_PORTS), "email: starttls, tls from the start, or none"
    )
    ca_file: str = key("", text, "email: certificates that may sign the server's; \"\" takes the system's")
    user: str = key("", text, "email: user name, where the server wants one")
    password_file: str = key("", text, "email: file that holds the password")
    sender: str = key("", _mail, "email: whom it is from", named="from")
    to: tuple[str, ...] = key((), _mails, "email: whom it is for, a list")

    @property
    def stream(self) -> str:
        """Under which the registry keeps how far it was served."""
        return f"sink:{self.name}"

    @property
    def target(self) -> str:
        """Where it leads, without secrets."""
        if self.type == WEBHOOK:
            return shown_url(self.url)
        return ", ".join(self.to) if self.type == EMAIL else "the service's log"

    @property
    def server_port(self) -> int:
        """Port of the mail server."""
        return self.port or _PORTS[self.tls]

    @property
    def repeat_us(self) -> int:
        """Least time between two messages of an alarm that is no worse than before, microseconds."""
        return span_us(self.repeat) or 0

    @property
    def max_age_us(self) -> int:
        """Greatest age of the data in which a fault is found, microseconds; 0 for any."""
        return span_us(self.max_age) or 0


def parse_sinks(given: Any, where: str) -> tuple[Sink, ...]:
    """Read the tables.

    Args:
        given: What TOML gave for `sink`.
        where: Name of the file, for messages.

    Raises:
        SettingsError: A table is not allowed; names the sink and the key, and tells no secret.
    """
    return parse_tables(given, "sink", where, _parse, lambda sink: sink.name)


def sink_named(sinks: Sequence[Sink], name: str) -> Sink:
    """A sink by its name.

    Raises:
        NotFoundError: There is none; names those that are.
    """
    for sink in sinks:
        if sink.name == name:
            return sink
    known = f"there are {', '.join(sink.name for sink in sinks)}" if sinks else "settings.toml has no [[sink]]"
    raise NotFoundError(f"there is no sink {name!r}; {known}")


def _parse(table: Mapping[str, Any], where: str) -> Sink:
    check_table(table, Sink, where, required=("name", "type"))
    kind = table["type"]
    for other, theirs in _ONLY.items():
        stray = next((each for each in theirs if each in table), None) if other != kind else None
        if stray is not None:
            raise SettingsError(f"{where}: {stray} goes with type {other}, not with {kind}")
    for each in _NEEDED[kind]:
        if not table.get(each):
            raise SettingsError(f"{where}: {each} is missing, which type {kind} needs")
    if bool(table.get("user")) != bool(table.get("password_file")):
        raise SettingsError(f"{where}: user and password_file go together")
    if table.get("user") and table.get("tls") == "none":
        raise SettingsError(f"{where}: tls is none, and a password is not sent in the clear")
    names = {each: part.name for each, part in keys(Sink).items()}
    given: dict[str, Any] = {names[each]: tuple(v) if isinstance(v, list) else v for each, v in table.items()}
    return Sink(**given)


def sinks_text(sinks: Sequence[Sink]) -> str:
    """Sinks as TOML, with what their keys mean."""
    lines = keys_text("Where alarms are sent. Each sink is written [[sink]], and has", Sink)
    return "\n".join(lines) + "\n" + "".join(table_text("sink", sink, _PLAIN) for sink in sinks)


_PLAIN = Sink(type=None)  # type: ignore[arg-type]
"""What a key has that is not written; the type always is."""
