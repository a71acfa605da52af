"""How `twinpack simulate --mqtt` plays telemetry at a broker."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from twinpack.cli import output
from twinpack.errors import CheckError, InputError

if TYPE_CHECKING:
    from twinpack.ingest.publisher import Login
    from twinpack.runtime.player import Manner, Played
    from twinpack.runtime.tape import Length

DEFAULT_SPEED = "60x"

_DAYS_BETWEEN_DRIVES = 3.0
_SHORTEST_YEARS = 0.01
_TELL_S = 5.0


class EncodingName(StrEnum):
    """How messages are written."""

    json = "json"
    msgpack = "msgpack"


@dataclass(frozen=True)
class PlayOptions:
    """What the command line says, in its order."""

    mqtt: str
    fleet: str
    user: str
    password_file: Path | None
    ca_file: str
    cert_file: str
    key_file: str
    speed: float | None
    encoding: str
    samples: int
    shards: int
    max_pause_s: float
    shift: bool


def speed_of(text: str) -> float | None:
    """A speed as people write it: 60x, 60, or max (None).

    Raises:
        InputError: It is none.
    """
    if text == "max":
        return None
    try:
        speed = float(text.removesuffix("x"))
    except ValueError:
        speed = math.nan
    if not 0 < speed < math.inf:
        raise InputError(f"--speed {text!r} is not a speed: write 60x for sixty times faster than the clock, or max")
    return speed


def default_years(trips: int) -> float:
    """Years so short that the vehicles drive every few days."""
    return max(math.ceil(trips * _DAYS_BETWEEN_DRIVES / 365.25 * 1000) / 1000, _SHORTEST_YEARS)


def play_files(folder: Path, options: PlayOptions, as_json: bool) -> None:
    """Play the Parquet files of a folder, or one file, and say what was played.

    Raises:
        InputError: There is nothing to play, no broker answers, or it turns this user away.
        CheckError: The broker did not take everything.
    """
    from twinpack.ingest.files import find_files, find_profile
    from twinpack.ingest.publisher import Publisher
    from twinpack.ingest.stopping import stop_on_signals
    from twinpack.runtime.player import SECOND_US, play
    from twinpack.runtime.tape import Tape
    from twinpack.telemetry.identifiers import check_fleet_name

    check_fleet_name(options.fleet)
    paths = [folder] if folder.is_file() else find_files(folder, find_profile("twinpack"))
    manner = _manner(options)
    with stop_on_signals() as stopped, Tape([path for path in paths if path.suffix == ".parquet"]) as tape:
        length = tape.length(manner.speed, round(manner.longest_pause_s * SECOND_US))
        with Publisher(options.mqtt, _login(options), tell=_tell, stopped=stopped) as publisher:
            output.note(_announcement(length, options))
            told = _Teller(length.samples)
            played = play(tape, publisher, manner, stopped=stopped, progress=told)
    _say(played, as_json)
    if played.acknowledged < played.messages:
        missing = played.messages - played.acknowledged
        raise CheckError(f"{output.counted(missing, 'message')} of {played.messages:,} were not taken by the broker")


class _Teller:
    """Tells from time to time how far it is."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._began = time.monotonic()
        self._next = self._began + _TELL_S

    def __call__(self, samples: int, messages: int) -> None:
        now = time.monotonic()
        if now < self._next:
            return
        rate = messages / (now - self._began)
        output.note(f"played {output.number(samples)} of {output.number(self._total)} samples, {rate:,.0f} messages/s")
        self._next = now + _TELL_S


def _manner(options: PlayOptions) -> Manner:
    from twinpack.runtime.player import Manner

    return Manner(
        fleet=options.fleet,
        shards=options.shards,
        speed=options.speed,
        longest_pause_s=options.max_pause_s,
        shift=options.shift,
        encoding=options.encoding,  # type: ignore[arg-type]
        samples=options.samples,
    )


def _login(options: PlayOptions) -> Login:
    from twinpack.ingest.publisher import Login

    password = ""
    if options.password_file is not None:
        try:
            password = options.password_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"the password cannot be read from {options.password_file}: {error}") from error
    return Login(options.user, password, options.ca_file, options.cert_file, options.key_file)


def _announcement(length: Length, options: PlayOptions) -> str:
    what = f"{output.number(length.samples)} samples of {output.counted(length.vehicles, 'vehicle')}"
    if options.speed is None:
        return f"Playing {what} at {options.mqtt} as fast as it takes them (Ctrl-C stops it)"
    lasts = _duration(length.plays_us / 1e6)
    return f"Playing {what} at {options.mqtt}, {options.speed:g} times faster than the clock: {lasts} (Ctrl-C stops it)"


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 7_200 else f"{seconds / 3_600:.1f} hours"


def _say(played: Played, as_json: bool) -> None:
    if as_json:
        output.json_result(played)
        return
    rate = played.messages / max(played.seconds, 1e-3)
    output.line(
        f"{output.counted(played.samples, 'sample')} in {output.counted(played.messages, 'message')}, "
        f"{output.number(played.acknowledged)} taken by the broker, {rate:,.0f} a second"
    )


def _tell(text: str) -> None:
    output.note(f"twinpack: {text}")
