"""What an import profile may say, read from TOML and checked; a mistake names its key."""

from __future__ import annotations

import re
import tomllib
from datetime import UTC, datetime
from importlib import resources
from typing import Any, Literal, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from twinpack.errors import IdentifierError, ProfileError
from twinpack.telemetry.identifiers import check_vehicle_id
from twinpack.telemetry.schema import SIGNALS
from twinpack.telemetry.units import conversion, signal_conversion

TimeFormat = Literal["iso", "s", "ms", "us", "ns"]
Names = str | list[str]
NUMBER = "{n}"
"""Stands for the number of a cell or probe in the name of its column."""
_FILES = ["*.csv", "*.csv.gz", "*.parquet", "*.bdf"]
_FIRST_START = datetime(2020, 1, 1, tzinfo=UTC)

_T = TypeVar("_T")


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the profile: an unknown key is a mistake."""


class CsvOptions(_Table, frozen=True):
    """How a text file is written.

    Attributes:
        delimiter: One character between the fields.
        encoding: Name of the character encoding.
        decimal: Decimal mark, "." or ",".
        skip_rows: Lines before the header.
    """

    delimiter: str = ","
    encoding: str = "utf-8"
    decimal: Literal[".", ","] = "."
    skip_rows: int = 0


class VehicleSource(_Table, frozen=True):
    """Where the vehicle id comes from; exactly one of the three.

    Attributes:
        column: Column that holds it.
        file_pattern: Regular expression on the file name with a group called `vehicle`.
        constant: One id for all rows.
    """

    column: Names | None = None
    file_pattern: str | None = None
    constant: str | None = None


class TimeSource(_Table, frozen=True):
    """Where sample and receipt time come from.

    Attributes:
        clock: Column of the sample time; the first of the names that is present.
        format: `iso`, or seconds, milliseconds, microseconds or nanoseconds since the epoch.
        timezone: Zone of clock times that name none.
        receipt: Column of the receipt time, in the same format.
        elapsed: Column of the time since the file began, used where `clock` is absent.
        elapsed_unit: Its unit.
        gap_s: Rest between the vehicle's last import and the start of a file without clock time, in seconds.
        first_start: Start of the vehicle's first file without clock time.
        restart_gap_s: Rest before elapsed time that falls back within a file, as where one test follows another; None
            when it never does.
    """

    clock: Names | None = None
    format: TimeFormat = "iso"
    timezone: str = "UTC"
    receipt: Names | None = None
    elapsed: Names | None = None
    elapsed_unit: str = "s"
    gap_s: float = 86_400.0
    first_start: datetime = _FIRST_START
    restart_gap_s: float | None = None


class SignalSource(_Table, frozen=True):
    """Where one signal comes from: `sign * unit(raw * scale + offset)`.

    Attributes:
        column: Column that holds it; the first of the names that is present.
        columns: One column a cell or probe (list signals only).
        numbered: Name of such columns with `{n}` in place of their number, as in `cell_{n}_V` (list signals only).
        constant: One value for all rows, in the unit of the schema.
        unit: Unit of the source; the schema's when left out.
        scale: Factor applied to the raw value first.
        offset: Added after the factor.
        sign: -1 turns the sign.
        equals: Raw values, numbers or texts, that mean "yes"; any other means "no" (yes/no signals only).
        invalid: Raw values, numbers or texts, that mean "missing".
        invalid_below: Raw numbers below it mean "missing".
        invalid_above: Raw numbers above it mean "missing".
        separator: Between the values of a list that is written as text.
        required: Whether a file without the column is refused.
    """

    column: Names | None = None
    columns: list[str] | None = None
    numbered: str | None = None
    constant: float | None = None
    unit: str | None = None
    scale: float = 1.0
    offset: float = 0.0
    sign: Literal[1, -1] = 1
    equals: list[int | float | str] | None = None
    invalid: list[int | float | str] = []
    invalid_below: float | None = None
    invalid_above: float | None = None
    separator: str = ";"
    required: bool = True


class Profile(msgspec.Struct, frozen=True):
    """A checked import profile.

    Attributes:
        name: Its name.
        description: One line for people.
        vehicle: Where the vehicle id comes from.
        time: Where the times come from.
        signals: Source of each signal by the schema's name.
        pack: Pack specification of the vehicles, if the profile knows it.
        files: Patterns of the file names taken from a folder.
        csv: How text files are written.
    """

    name: str
    vehicle: VehicleSource
    time: TimeSource
    signals: dict[str, SignalSource]
    description: str = ""
    pack: str | None = None
    files: list[str] = msgspec.field(default_factory=lambda: list(_FILES))
    csv: CsvOptions = CsvOptions()


def shipped_profiles() -> list[str]:
    """Names of the profiles that come with the package."""
    folder = resources.files(__package__)
    return sorted(item.name.removesuffix(".toml") for item in folder.iterdir() if item.name.endswith(".toml"))


def shipped_profile(name: str) -> Profile:
    """A profile that comes with the package.

    Raises:
        ProfileError: There is none of this name; the message lists those there are.
    """
    return parse_profile(_shipped_text(name), f"profile {name}")


def _shipped_text(name: str) -> str:
    if name not in shipped_profiles():
        known = ", ".join(shipped_profiles())
        raise ProfileError(f"no profile {name!r}: use a TOML file or one of {known}")
    return (resources.files(__package__) / f"{name}.toml").read_text("utf-8")


def parse_profile(text: str, where: str = "profile") -> Profile:
    """Read and check a profile.

    Args:
        text: The TOML text.
        where: What to call the profile in an error, such as its file.

    Raises:
        ProfileError: Something is wrong; the message names the key.
    """
    content = _with_base(_toml(text, where), where)
    content.pop("extends", None)
    signals = content.pop("signals", {})
    if not isinstance(signals, dict) or not signals:
        raise ProfileError(f"{where}: signals: name at least one signal, such as pack_voltage_v")
    sources = {name: _signal(name, value, f"{where}: signals.{name}") for name, value in signals.items()}
    vehicle = _convert(content.pop("vehicle", {}), VehicleSource, f"{where}: vehicle")
    time = _convert(content.pop("time", {}), TimeSource, f"{where}: time")
    csv = _convert(content.pop("csv", {}), CsvOptions, f"{where}: csv")
    plain = _convert(content, _Plain, where)
    profile = Profile(
        plain.name, vehicle, time, sources, plain.description, plain.pack, plain.files or list(_FILES), csv
    )
    _check_vehicle(profile.vehicle, f"{where}: vehicle")
    _check_time(profile.time, f"{where}: time")
    _check_csv(profile.csv, f"{where}: csv")
    return profile


class _Plain(_Table, frozen=True):
    """The keys of a profile outside any table."""

    name: str
    description: str = ""
    pack: str | None = None
    files: list[str] = msgspec.field(default_factory=lambda: list(_FILES))


def _toml(text: str, where: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ProfileError(f"{where}: not valid TOML: {error}") from error


def _with_base(content: dict[str, Any], where: str) -> dict[str, Any]:
    """Lay a profile over the shipped one that its `extends` names."""
    base = content.get("extends")
    if base is None:
        return content
    if not isinstance(base, str):
        raise ProfileError(f"{where}: extends: give the name of a shipped profile")
    return _merge(_toml(_shipped_text(base), base), content)


def _merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        # A vehicle or a signal is replaced whole: half of two sources would contradict itself.
        both = isinstance(value, dict) and isinstance(base.get(key), dict)
        merged[key] = {**base[key], **value} if both and key != "vehicle" else value
    return merged


def _convert(value: Any, kind: type[_T], where: str) -> _T:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        reason, _, path = str(error).partition(" - at `$")
        key = path.rstrip("`").lstrip(".")
        raise ProfileError(f"{where}{'.' if key else ''}{key}: {reason}") from error


def _signal(name: str, value: Any, where: str) -> SignalSource:
    signal = SIGNALS.get(name)
    if signal is None:
        raise ProfileError(f"{where}: no such signal; there are {', '.join(SIGNALS)}")
    short = isinstance(value, str | list)
    source = SignalSource(column=value) if short else _convert(value, SignalSource, where)
    given = [key for key in ("column", "columns", "numbered", "constant") if getattr(source, key) is not None]
    if len(given) != 1:
        raise ProfileError(
            f"{where}: give exactly one of column, columns, numbered and constant, not {given or 'none'}"
        )
    if given[0] in ("columns", "numbered") and signal.kind != "list":
        raise ProfileError(f"{where}.{given[0]}: only a list of cells or probes has several columns")
    if source.numbered is not None and source.numbered.count(NUMBER) != 1:
        raise ProfileError(f"{where}.numbered: {source.numbered!r} must hold {NUMBER} once, as in cell_{NUMBER}_V")
    _check_equals(source, signal.kind, where)
    if source.constant is not None and signal.kind == "list":
        raise ProfileError(f"{where}.constant: a list of cells or probes has no constant")
    if source.unit is not None:
        signal_conversion(name, source.unit, f"{where}.unit")
    return source


def _check_equals(source: SignalSource, kind: str, where: str) -> None:
    if source.equals is None:
        return
    if kind != "bool":
        raise ProfileError(f"{where}.equals: only a signal that is yes or no has it")
    if source.constant is not None or not source.equals:
        raise ProfileError(f"{where}.equals: name the values of a column that mean yes")
    if (source.scale, source.offset, source.sign, source.unit) != (1.0, 0.0, 1, None):
        raise ProfileError(f"{where}.equals: scale, offset, sign and unit have no meaning beside it")


def _check_vehicle(vehicle: VehicleSource, where: str) -> None:
    given = [key for key in ("column", "file_pattern", "constant") if getattr(vehicle, key) is not None]
    if len(given) != 1:
        raise ProfileError(f"{where}: give exactly one of column, file_pattern and constant, not {given or 'none'}")
    if vehicle.constant is not None:
        try:
            check_vehicle_id(vehicle.constant)
        except IdentifierError as error:
            raise ProfileError(f"{where}.constant: {error}") from error
    if vehicle.file_pattern is not None:
        _check_pattern(vehicle.file_pattern, f"{where}.file_pattern")


def _check_pattern(pattern: str, where: str) -> None:
    try:
        groups = re.compile(pattern).groupindex
    except re.error as error:
        raise ProfileError(f"{where}: not a regular expression: {error}") from error
    if "vehicle" not in groups:
        raise ProfileError(f"{where}: needs a group (?P<vehicle>...)")


def _check_time(time: TimeSource, where: str) -> None:
    if time.clock is None and time.elapsed is None:
        raise ProfileError(f"{where}: give clock (a column of times) or elapsed (a column of seconds)")
    conversion(time.elapsed_unit, "s", f"{where}.elapsed_unit")
    for key, gap_s in (("gap_s", time.gap_s), ("restart_gap_s", time.restart_gap_s)):
        if gap_s is not None and not 0 <= gap_s <= 1e9:
            raise ProfileError(f"{where}.{key}: {gap_s} is not between 0 and 1e9 seconds")
    try:
        # UTC needs no time zone database, which a bare machine may lack.
        _ = time.timezone == "UTC" or ZoneInfo(time.timezone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ProfileError(
            f"{where}.timezone: no time zone {time.timezone!r}; use one such as Europe/Berlin"
        ) from error


def _check_csv(csv: CsvOptions, where: str) -> None:
    if len(csv.delimiter) != 1 or not csv.delimiter.isascii():
        raise ProfileError(f"{where}.delimiter: {csv.delimiter!r} is not one character")
    if csv.skip_rows < 0:
        raise ProfileError(f"{where}.skip_rows: {csv.skip_rows} is negative")
    try:
        "".encode(csv.encoding)
    except LookupError as error:
        raise ProfileError(f"{where}.encoding: no encoding {csv.encoding!r}") from error
