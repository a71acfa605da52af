"""Workspace settings: one table of every key, its default, its meaning and what it allows."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, TypeVar

from twinpack.errors import SettingsError
from twinpack.store.checks import Check
from twinpack.store.checks import auto_or_positive as _auto_or_positive
from twinpack.store.checks import auto_or_whole as _auto_or_whole
from twinpack.store.checks import flag as _flag
from twinpack.store.checks import not_negative as _not_negative
from twinpack.store.checks import one_of as _one_of
from twinpack.store.checks import positive as _positive
from twinpack.store.checks import text as _text
from twinpack.store.checks import whole as _whole
from twinpack.store.sinks import Sink, parse_sinks, sinks_text
from twinpack.store.toml import toml_value
from twinpack.store.triggers import SHIPPED_TRIGGERS, Trigger, parse_triggers, triggers_text

T = TypeVar("T")
POLICIES = ("threshold", "always", "change")
_LISTS: Mapping[str, Callable[[Any, str], Any]] = {"trigger": parse_triggers, "sink": parse_sinks}
"""What is a list of tables, and how it is read."""


def _setting(default: T, check: Check, doc: str, *, secret: bool = False) -> T:
    """A key; one that may hold a secret is not in the `repr`."""
    return field(default=default, repr=not secret, metadata={"check": check, "doc": doc})


@dataclass(frozen=True)
class WorkspaceSettings:
    """What the workspace is: fixed for its life, since state is cut by it."""

    shards: int = _setting(256, _whole(1, 65_536), "virtual shards a fleet is cut into; fixed once data is there")
    pack: str = _setting("", _text, 'pack of vehicles imported without one, by name; "" when each import names it')
    registry_url: str = _setting(
        "", _text, 'SQLAlchemy URL of the registry; "" is the file registry.db beside this', secret=True
    )


@dataclass(frozen=True)
class TripSettings:
    """Where one session ends and the next begins."""

    gap_s: float = _setting(600.0, _positive, "silence that ends a session, seconds")
    rest_s: float = _setting(300.0, _positive, "time at rest that ends a driving or charging session, seconds")
    rest_current_c_rate: float = _setting(0.02, _positive, "current below this is rest, as C-rate (1 = one hour)")


@dataclass(frozen=True)
class TwinSettings:
    """How twins predict and when they are recalibrated."""

    policy: Literal["threshold", "always", "change"] = _setting(
        "threshold", _one_of(*POLICIES), "when a trip proposes new parameters: threshold, always or change"
    )
    correct_s: float = _setting(50.0, _not_negative, "first seconds of a trip that may correct its start; not scored")
    step_s: float = _setting(1.0, _positive, "samples within so many seconds are one step of the filter, their mean")
    threshold_v: float | Literal["auto"] = _setting(
        "auto", _auto_or_positive, 'error that calls for a recalibration, volts; "auto" takes it from the model'
    )
    threshold_on: Literal["auto", "rmse", "mae"] = _setting(
        "auto", _one_of("auto", "rmse", "mae"), 'error held against it: rmse or mae; "auto" takes it from the model'
    )
    warm_up: int | Literal["auto"] = _setting(
        "auto",
        _auto_or_whole(0, 10_000),
        'first scored trips that propose an update anyway; "auto" takes it from the model',
    )
    start_soc_sd_pct: float = _setting(2.0, _positive, "standard deviation of the charge told at a trip's start, %")


@dataclass(frozen=True)
class RuntimeSettings:
    """How the runtime works through the log."""

    batch_rows: int = _setting(250_000, _whole(1, 100_000_000), "rows folded and committed at once")
    snapshot_every_rows: int = _setting(2_000_000, _whole(1, 10_000_000_000), "rows between two snapshots")
    step_predictions: bool = _setting(True, _flag, "keep each step's prediction in the lake, for pictures")


@dataclass(frozen=True)
class LogSettings:
    """When rows of the durable log are sealed, and how long sealed segments stay."""

    segment_rows: int = _setting(250_000, _whole(1, 10_000_000), "rows after which a segment is sealed")
    segment_age_s: float = _setting(60.0, _positive, "age of its first row at which a segment is sealed, seconds")
    retention_days: float = _setting(0.0, _not_negative, "segments older than this may go once used; 0 keeps them")
    retention_gb: float = _setting(0.0, _not_negative, "size the log is held to by dropping used segments; 0 for any")


@dataclass(frozen=True)
class GatewaySettings:
    """How telemetry that arrives live is taken in."""

    commit_ms: float = _setting(20.0, _positive, "longest wait for more messages before a write, milliseconds")
    batch_rows: int = _setting(20_000, _whole(1, 1_000_000), "samples after which a write does not wait for more")
    max_pending_mb: float = _setting(64.0, _positive, "messages held in memory before the sources are slowed, MB")
    max_message_kb: float = _setting(256.0, _positive, "largest message taken, kB")
    unknown_vehicles: Literal["quarantine", "register"] = _setting(
        "quarantine", _one_of("quarantine", "register"), "samples of a vehicle nobody entered: quarantine or register"
    )
    rules: str = _setting("", _text, 'routing rules, a TOML file; "" is routing.toml beside this, or the shipped rules')


@dataclass(frozen=True)
class MqttSettings:
    """The broker that the gateway listens to."""

    url: str = _setting("", _text, 'mqtt://host:1883 or mqtts://host:8883; "" for none: `serve` has one')
    version: Literal["5", "3.1.1"] = _setting("5", _one_of("5", "3.1.1"), "version of MQTT: 5 or 3.1.1")
    topic: str = _setting(
        "twinpack/+/+/+/telemetry", _text, "what is subscribed to; fleet, shard and vehicle are levels"
    )
    client_id: str = _setting("twinpack-gateway", _text, "name of the session that the broker keeps; one per gateway")
    session_expiry_s: int = _setting(
        604_800, _whole(0, 4_294_967_295), "how long the broker keeps it, seconds (MQTT 5)"
    )
    keepalive_s: int = _setting(60, _whole(5, 65_535), "silence after which a connection is checked, seconds")
    username: str = _setting("", _text, "user name at the broker")
    password_file: str = _setting("", _text, "file that holds the password, and nothing else")
    ca_file: str = _setting("", _text, "certificates that may sign the broker's; \"\" takes the system's")
    cert_file: str = _setting("", _text, "certificate of this client, where the broker asks for one")
    key_file: str = _setting("", _text, "key of that certificate")


@dataclass(frozen=True)
class HttpSettings:
    """The gateway's HTTP door, `POST /v1/telemetry`."""

    host: str = _setting("127.0.0.1", _text, "address to listen at")
    port: int = _setting(8766, _whole(0, 65_535), "port; 0 takes a free one")
    max_body_mb: float = _setting(8.0, _positive, "largest body as sent, MB")
    max_expanded_mb: float = _setting(64.0, _positive, "largest body once expanded, MB")
    cert_file: str = _setting("", _text, "certificate for https; plain http without")
    key_file: str = _setting("", _text, "key of that certificate")


@dataclass(frozen=True)
class LakeSettings:
    """Where the tables are and how long telemetry stays in them."""

    url: str = _setting("", _text, 'folder or object store, such as s3://bucket/path; "" is lake beside this')
    retention_days: float = _setting(0.0, _not_negative, "telemetry older than this is removed; 0 keeps it")
    vehicle_buckets: int = _setting(1, _whole(1, 4096), "parts that the vehicles of a day are split into")
    keep_replaced_h: float = _setting(
        24.0, _not_negative, "hours that replaced files stay for readers that began before; longer than any read"
    )


@dataclass(frozen=True)
class BrokerSettings:
    """The embedded broker, for trying out."""

    host: str = _setting("127.0.0.1", _text, "address to listen at")
    port: int = _setting(1883, _whole(0, 65_535), "port; 0 takes a free one")


@dataclass(frozen=True)
class JobSettings:
    """Work that is started by schedule or by event."""

    database_url: str = _setting("", _text, 'where jobs are kept; "" is the file jobs.db beside this', secret=True)


@dataclass(frozen=True)
class ApiSettings:
    """The API and the web app."""

    host: str = _setting("127.0.0.1", _text, "address to listen at; beyond this machine give a certificate or a proxy")
    port: int = _setting(8765, _whole(0, 65_535), "port; 0 takes a free one")
    public_url: str = _setting("", _text, 'where browsers reach it, such as https://twin.example; "" is host and port')
    cert_file: str = _setting("", _text, "certificate for https; plain http without")
    key_file: str = _setting("", _text, "key of that certificate")
    cors_origins: str = _setting("", _text, 'other origins whose pages may ask, with commas between; "" for none')
    max_body_mb: float = _setting(1.0, _positive, "largest body of a request, MB")
    request_s: float = _setting(30.0, _positive, "longest that a request may take, seconds")
    requests_per_minute: int = _setting(1_200, _whole(1, 10_000_000), "requests that one account or key may make")
    max_subscribers: int = _setting(2_000, _whole(1, 1_000_000), "live event streams held open at once")
    late_intervals: float = _setting(2.0, _positive, "missed intervals after which a vehicle is late")
    interval_s: float = _setting(60.0, _positive, "interval at which vehicles are expected to report, seconds")
    stale_h: float = _setting(24.0, _positive, "silence after which a vehicle is stale, hours")
    overdue_days: float = _setting(30.0, _positive, "days without an accepted update after which a twin is overdue")


@dataclass(frozen=True)
class IdentitySettings:
    """Who may sign in."""

    issuer: str = _setting("", _text, 'OIDC issuer, such as https://id.example/realm; "" is the built-in one')
    audience: str = _setting("twinpack", _text, "audience that a token must name")
    jwks_url: str = _setting("", _text, 'where the issuer\'s keys are; "" asks its discovery document')
    username_claim: str = _setting("preferred_username", _text, "claim that names the account; sub where it is absent")
    role_claim: str = _setting("twinpack_role", _text, "claim that names the role; the account's own role without it")
    fleets_claim: str = _setting("twinpack_fleets", _text, "claim that lists the fleets; the account's own without it")
    access_minutes: float = _setting(15.0, _positive, "how long an access token of the built-in issuer holds, minutes")
    refresh_days: float = _setting(14.0, _positive, "how long a sign-in can be renewed without a password, days")
    session_hours: float = _setting(12.0, _positive, "how long a browser session holds, hours")
    lockout_failures: int = _setting(5, _whole(1, 1000), "wrong passwords after which an account is locked")
    lockout_minutes: float = _setting(15.0, _positive, "how long it stays locked, minutes")


@dataclass(frozen=True)
class Settings:
    """All settings of a workspace, one attribute a section of `settings.toml`."""

    workspace: WorkspaceSettings = WorkspaceSettings()
    trips: TripSettings = TripSettings()
    twin: TwinSettings = TwinSettings()
    runtime: RuntimeSettings = RuntimeSettings()
    log: LogSettings = LogSettings()
    gateway: GatewaySettings = GatewaySettings()
    mqtt: MqttSettings = MqttSettings()
    http: HttpSettings = HttpSettings()
    lake: LakeSettings = LakeSettings()
    broker: BrokerSettings = BrokerSettings()
    jobs: JobSettings = JobSettings()
    api: ApiSettings = ApiSettings()
    identity: IdentitySettings = IdentitySettings()
    trigger: tuple[Trigger, ...] = SHIPPED_TRIGGERS
    sink: tuple[Sink, ...] = ()

    def to_toml(self) -> str:
        """The text of `settings.toml`: every key with its value and a line on what it means."""
        before, after = triggers_text(self.trigger)
        parts = [_section_text(part.name, getattr(self, part.name)) for part in sections()]
        head = "# Settings of this workspace. A key left out has its default.\n"
        return "".join([head, before, *parts, after, sinks_text(self.sink)])


def sections() -> tuple[Any, ...]:
    """The fields of `Settings` that are sections of keys: all but the lists of tables."""
    return tuple(part for part in fields(Settings) if part.name not in _LISTS)


def parse_settings(text: str, where: str = "settings.toml") -> Settings:
    """Read settings; keys that are absent have their defaults.

    Args:
        text: TOML.
        where: Name of the file, for messages.

    Raises:
        SettingsError: Not TOML, an unknown section or key, or a value that is not allowed; names it.
    """
    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{where}: not valid TOML: {error}") from error
    known = {part.name: type(part.default) for part in fields(Settings)}
    _check_names(given, known, where, "section")
    found: dict[str, Any] = {
        name: _LISTS[name](values, where) if name in _LISTS else _parse_section(known[name], name, values, where)
        for name, values in given.items()
    }
    return Settings(**found)


def _parse_section(kind: Any, section: str, values: Any, where: str) -> Any:
    if not isinstance(values, Mapping):
        raise SettingsError(f"{where}: {section} must be a section, written [{section}]")
    known = {part.name: part for part in fields(kind)}
    _check_names(values, known, f"{where} [{section}]", "key")
    return kind(**{name: _parse_value(known[name], value, f"{where} [{section}]") for name, value in values.items()})


def _parse_value(part: Any, value: Any, where: str) -> Any:
    wanted = part.metadata["check"](value)
    if wanted:
        raise SettingsError(f"{where}: {part.name} must be {wanted}, not {value!r}")
    return float(value) if isinstance(value, int) and isinstance(part.default, float) else value


def _check_names(given: Mapping[str, Any], known: Mapping[str, Any], where: str, what: str) -> None:
    for name in given:
        if name not in known:
            raise SettingsError(f"{where}: unknown {what} {name!r}; known: {', '.join(known)}")


def _section_text(name: str, section: Any) -> str:
    lines = [f"\n[{name}]"]
    for part in fields(section):
        lines.append(f"# {part.metadata['doc']}")
        lines.append(f"{part.name} = {toml_value(getattr(section, part.name))}")
    return "\n".join(lines) + "\n"
