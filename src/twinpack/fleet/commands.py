"""Commands are rows of the log: which ones a fold obeys. One that is malformed changes nothing and stops nobody."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pyarrow as pa

from twinpack.battery.families import model_of
from twinpack.battery.pack import load_pack
from twinpack.detect.state import rule_set
from twinpack.errors import InputError, NotFoundError, RulesError
from twinpack.telemetry.schema import command_rows
from twinpack.twin.settings import Prototype
from twinpack.twin.versions import TwinVersion

REGISTER = "register"
ROLLBACK = "rollback"
REPLAY = "replay"
MODEL = "model"
PROMOTE = "promote"
RULES = "rules"
CLEAR_CODES = "clear_codes"
REPAIR = "repair"
MEASURE = "measure"


def register_rows(packs: Mapping[str, str], at_us: int) -> pa.Table:
    """Rows of the log that make vehicles known.

    Args:
        packs: Pack of each vehicle, a shipped name or a specification as TOML.
        at_us: Receipt time of the rows, microseconds since the epoch.

    Returns:
        Table in the `LOG` schema, one row a vehicle.
    """
    bodies = [{"type": REGISTER, "vehicle": vehicle, "pack": pack} for vehicle, pack in packs.items()]
    return command_rows(list(packs), [at_us] * len(packs), [json.dumps(body, separators=(",", ":")) for body in bodies])


def model_command(prototype: Prototype) -> dict[str, Any]:
    """The command that gives the vehicles of a pack their first model; it carries all the fold needs."""
    return {"type": MODEL, "pack": prototype.pack, "prototype": asdict(prototype)}


def promote_command(prototype: Prototype, carry: bool, reason: str, who: str = "") -> dict[str, Any]:
    """The command that has every twin of a pack go on under another model; it carries the whole model.

    Args:
        prototype: The model.
        carry: Whether parameters that both models name are kept; else twins begin again from the new priors.
        reason: Why, for the history.
        who: Who asks for it, "" where nobody was told.
    """
    body = {"type": PROMOTE, "pack": prototype.pack, "prototype": asdict(prototype), "carry": carry, "reason": reason}
    return body | ({"who": who} if who else {})


def rules_command(text: str, who: str, reason: str) -> dict[str, Any]:
    """The command that finds faults by another rule set from its row on."""
    return {"type": RULES, "text": text, "who": who, "reason": reason}


def rollback_command(target: TwinVersion, reason: str, who: str = "") -> dict[str, Any]:
    """The command that deploys `target` again; it carries all the fold needs, which never reads the registry.

    Args:
        target: The version.
        reason: Why, for the history.
        who: Who asks for it, "" where nobody was told.
    """
    body = {
        "type": ROLLBACK,
        "vehicle": target.vehicle_id,
        "to": target.number,
        "model_hash": target.model_hash,
        "parameters": list(target.parameters),
        "mean": list(target.mean),
        "covariance": list(target.covariance),
        "reason": reason,
    }
    # Where parameters have rates, they go on from there.
    since = {"clock_at": target.evidence["clock_at"]} if "clock_at" in target.evidence else {}
    return body | since | ({"who": who} if who else {})


def clear_codes_command(vehicle: str, codes: Sequence[str] | None, who: str, reason: str) -> dict[str, Any]:
    """The command that clears trouble codes of a vehicle, all of them where none are named."""
    listed = None if codes is None else list(codes)
    return {"type": CLEAR_CODES, "vehicle": vehicle, "codes": listed, "who": who, "reason": reason}


def repair_command(vehicle: str, record: str, who: str, reason: str) -> dict[str, Any]:
    """The command that says a vehicle's battery was repaired: what was learned of its cells begins anew."""
    return {"type": REPAIR, "vehicle": vehicle, "record": record, "who": who, "reason": reason}


def measure_command(
    vehicle: str,
    record: str,
    who: str,
    reason: str,
    measured_us: int,
    tests: Mapping[str, float],
    confirmed: bool = False,
) -> dict[str, Any]:
    """The command that has a twin take in what a workshop measured; it carries all the fold needs.

    Args:
        vehicle: The vehicle.
        record: Identity of the maintenance record.
        who: Who tested it.
        reason: What was done, for the history.
        measured_us: When, microseconds since the epoch.
        tests: `capacity_ah` with `capacity_sd_ah`, or `resistance_mohm` with `resistance_sd_mohm`, `soc_pct`, `temp_c`
            and `pulse_s`, or all of them.
        confirmed: Whether a person stands by it though it contradicts the twin.
    """
    body = {"type": MEASURE, "vehicle": vehicle, "record": record, "who": who, "reason": reason}
    return body | {"measured_us": measured_us, "confirmed": confirmed, **tests}


def registers(body: Mapping[str, Any]) -> bool:
    """Whether a command makes a vehicle known, with a pack that can be loaded."""
    vehicle, pack = body.get("vehicle"), body.get("pack")
    if body.get("type") != REGISTER or not isinstance(vehicle, str) or not isinstance(pack, str):
        return False
    try:
        load_pack(pack)
    except (InputError, NotFoundError):
        return False
    return True


def rolls_back(body: Mapping[str, Any], names: tuple[str, ...]) -> bool:
    """Whether a command deploys an earlier version of a twin with these parameters."""
    if body.get("type") != ROLLBACK or not isinstance(body.get("to"), int) or not isinstance(body.get("reason"), str):
        return False
    size = len(names)
    return (
        body.get("parameters") == list(names)
        and _numbers(body.get("mean"), size)
        and _numbers(body.get("covariance"), size * (size + 1) // 2)
    )


def _numbers(values: Any, count: int) -> bool:
    if not isinstance(values, list) or len(values) != count:
        return False
    return all(isinstance(value, (int, float)) and np.isfinite(value) for value in values)


def first_model(body: Mapping[str, Any]) -> Prototype | None:
    """The prototype that a command gives to the vehicles of a pack; None when it gives none that can be used."""
    return _prototype(body) if body.get("type") == MODEL else None


def promoted_model(body: Mapping[str, Any]) -> Prototype | None:
    """The prototype that a command puts in the place of a pack's; None when it is none to obey."""
    if (
        body.get("type") != PROMOTE
        or not isinstance(body.get("carry"), bool)
        or not isinstance(body.get("reason"), str)
    ):
        return None
    return _prototype(body)


def _prototype(body: Mapping[str, Any]) -> Prototype | None:
    """The prototype that a command carries, None when it cannot be used."""
    given = body.get("prototype")
    if not isinstance(given, dict):
        return None
    try:
        prototype = Prototype.from_dict(given)
        model_of(prototype.kind, prototype.model)
    except (TypeError, ValueError, KeyError, InputError):
        return None
    return prototype


def sets_rules(body: Mapping[str, Any]) -> bool:
    """Whether a command gives another rule set; one with mistakes does not."""
    text = body.get("text")
    if body.get("type") != RULES or not isinstance(text, str):
        return False
    try:
        rule_set(text)
    except RulesError:
        return False
    return True


def clears(body: Mapping[str, Any]) -> bool:
    """Whether a command clears trouble codes of a vehicle: those it lists, or all where `codes` is null."""
    codes = body.get("codes", ())
    listed = codes is None or (isinstance(codes, list) and all(isinstance(code, str) for code in codes))
    return body.get("type") == CLEAR_CODES and isinstance(body.get("vehicle"), str) and listed


def repairs(body: Mapping[str, Any]) -> bool:
    """Whether a command says that a vehicle's battery was repaired."""
    return body.get("type") == REPAIR and isinstance(body.get("vehicle"), str)


_TESTS = {
    "capacity_ah": ("capacity_sd_ah",),
    "resistance_mohm": ("resistance_sd_mohm", "soc_pct", "temp_c", "pulse_s"),
}
"""Figures that a test may tell, with what has to be told beside each."""

_ANY_SIGN = ("temp_c",)


def measures(body: Mapping[str, Any]) -> bool:
    """Whether a command tells what a workshop measured, each figure with all that belongs to it."""
    if body.get("type") != MEASURE or not isinstance(body.get("vehicle"), str):
        return False
    texts = all(isinstance(body.get(name), str) for name in ("record", "who", "reason"))
    at_us = body.get("measured_us")
    if not texts or not isinstance(body.get("confirmed"), bool) or not isinstance(at_us, int) or at_us is True:
        return False
    told = [name for name in _TESTS if body.get(name) is not None]
    return bool(told) and all(_positive(body.get(each), each) for name in told for each in (name, *_TESTS[name]))


def _positive(value: Any, name: str) -> bool:
    number = isinstance(value, (int, float)) and not isinstance(value, bool) and bool(np.isfinite(value))
    return number and (name in _ANY_SIGN or value > 0 or (name == "soc_pct" and value == 0))
