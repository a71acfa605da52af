"""Pack specifications: what a pack is made of and what it may be asked to do, from TOML.

A shipped specification (`packs/*.toml`) shows every key. `ocv` is the name of a shipped table or a table of its
own: `ocv = { soc = [0.0, ..., 1.0], voltage_v = [...] }`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from functools import cache, lru_cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import numpy as np

from twinpack.battery.ocv import OcvTable, ocv_names, ocv_table
from twinpack.battery.warranty import END_OF_LIFE_PCT, MINIMUM_PERFORMANCE, Warranty, read_limits, read_warranties
from twinpack.errors import InputError, NotFoundError, PackSpecError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")

# Lowest and highest believable value; a figure outside is a mistake (often of unit), not a battery.
_RANGES: dict[str, tuple[float, float]] = {
    "series": (1, 1000),
    "parallel": (1, 10000),
    "capacity_ah": (0.01, 100_000.0),
    "energy_kwh": (1e-5, 10_000.0),
    "cell_voltage_min_v": (0.5, 5.0),
    "cell_voltage_max_v": (1.0, 5.5),
    "charge_current_max_a": (0.001, 20_000.0),
    "discharge_current_max_a": (0.001, 20_000.0),
    "temp_min_c": (-60.0, 60.0),
    "temp_max_c": (0.0, 120.0),
    "modules": (1, 1000),
    "rows": (1, 1000),
    "columns": (1, 1000),
    "cells_per_module": (1, 1000),
    "certified_energy_kwh": (0.0, 10_000.0),
}

MOST_OFF_ENERGY = 0.25
"""Part by which energy over capacity may be off the open-circuit voltage at half charge."""
CELL_AH = (0.01, 1000.0)
C_RATE = (0.01, 100.0)
"""Believable capacity of one cell, and highest current over the capacity."""


@dataclass(frozen=True)
class Display:
    """How the pack is drawn: `rows` x `columns` modules of `cells_per_module` series groups each."""

    modules: int = 1
    rows: int = 1
    columns: int = 1
    cells_per_module: int = 1


@dataclass(frozen=True)
class PackSpec:
    """What is known of a pack when it is new.

    Attributes:
        name: Name of the specification.
        chemistry: For people.
        series: Cell groups in series.
        parallel: Cells in each group.
        capacity_ah: Rated capacity of the pack, Ah.
        energy_kwh: Rated energy of the pack, kWh.
        cell_voltage_min_v: Lowest cell voltage allowed under load, V.
        cell_voltage_max_v: Highest cell voltage allowed in charge, V.
        charge_current_max_a: Highest pack current in charge, A (a magnitude).
        discharge_current_max_a: Highest pack current in discharge, A (a magnitude).
        temp_min_c: Lowest cell temperature allowed, °C.
        temp_max_c: Highest cell temperature allowed, °C.
        ocv: Open-circuit voltage of one cell.
        display: Geometry for pictures.
        certified_energy_kwh: Usable energy as certified, kWh, which energy health is told by; 0 for the rated energy.
        end_of_life_pct: Health at which life ends, % of the rated capacity, the highest first.
        warranty: What health it has to keep for how long.
    """

    name: str
    chemistry: str
    series: int
    parallel: int
    capacity_ah: float
    energy_kwh: float
    cell_voltage_min_v: float
    cell_voltage_max_v: float
    charge_current_max_a: float
    discharge_current_max_a: float
    temp_min_c: float
    temp_max_c: float
    ocv: OcvTable
    display: Display = field(default_factory=Display)
    certified_energy_kwh: float = 0.0
    end_of_life_pct: tuple[float, ...] = END_OF_LIFE_PCT
    warranty: tuple[Warranty, ...] = MINIMUM_PERFORMANCE

    @property
    def new_energy_kwh(self) -> float:
        """Usable energy when new that energy health refers to, kWh."""
        return self.certified_energy_kwh or self.energy_kwh

    @property
    def voltage_min_v(self) -> float:
        """Lowest pack voltage allowed, V."""
        return self.series * self.cell_voltage_min_v

    @property
    def voltage_max_v(self) -> float:
        """Highest pack voltage allowed, V."""
        return self.series * self.cell_voltage_max_v

    @property
    def cell_capacity_ah(self) -> float:
        """Rated capacity of one cell, Ah."""
        return self.capacity_ah / self.parallel


def parse_pack(text: str, where: str = "pack specification") -> PackSpec:
    """The specification in a TOML text.

    Args:
        text: The TOML.
        where: What to call it in an error.

    Raises:
        PackSpecError: Naming the field and its value, or the fields that contradict each other.
    """
    spec = _read(text, where)
    check_pack(spec, where)
    return spec


def _read(text: str, where: str) -> PackSpec:
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PackSpecError(f"{where}: not valid TOML: {error}") from error
    where = f"{where} {data['name']!r}" if isinstance(data.get("name"), str) else where
    spec = PackSpec(
        **_plain_fields(data, PackSpec, where, leave=("ocv", "display", "end_of_life_pct", "warranty")),
        ocv=_read_ocv(data, where),
        display=_read_display(data, where),
        **_read_life(data, where),
    )
    _check_together(spec, where)
    return spec


def load_pack(name_or_toml_text: str) -> PackSpec:
    """A shipped specification by its name, or one given as TOML text.

    Raises:
        NotFoundError: When no specification of that name is shipped.
        PackSpecError: When the text is not a good specification.
    """
    if "=" in name_or_toml_text or "\n" in name_or_toml_text:
        return _given(name_or_toml_text)
    return _shipped(name_or_toml_text)


@lru_cache(maxsize=256)
def _given(text: str) -> PackSpec:
    """A fleet asks for the same specification again for every vehicle.

    Such a text may stand in a log since before `check_pack` looked for what it looks for now: it is read as it was.
    """
    return _read(text, "pack specification")


@cache
def _shipped(name: str) -> PackSpec:
    names = shipped_packs()
    if name not in names:
        raise NotFoundError(f"no pack {name!r}; shipped are {', '.join(names)}, or give the path of a TOML file")
    return parse_pack(pack_text(name))


def shipped_packs() -> tuple[str, ...]:
    """Names of the shipped specifications."""
    return tuple(sorted(p.name.removesuffix(".toml") for p in _folder().iterdir() if p.name.endswith(".toml")))


def pack_text(name: str) -> str:
    """The TOML text of a shipped specification."""
    return _folder().joinpath(f"{name}.toml").read_text(encoding="utf-8")


def _folder() -> Traversable:
    """`twinpack/_packs` in an installed package, `packs/` at the root of a source tree."""
    installed = resources.files("twinpack").joinpath("_packs")
    return installed if installed.is_dir() else Path(__file__).parents[3] / "packs"


def _plain_fields(data: Mapping[str, Any], shape: type, where: str, leave: tuple[str, ...] = ()) -> dict[str, Any]:
    declared = {f.name: f for f in fields(shape)}
    for key in data:
        if key not in declared:
            raise PackSpecError(f"{where}: unknown field {key!r}; the fields are {', '.join(declared)}")
    values: dict[str, Any] = {}
    for name, f in declared.items():
        if name in data and name not in leave:
            values[name] = _value(where, name, str(f.type), data[name])
        elif name not in data and f.default is MISSING and f.default_factory is MISSING:
            raise PackSpecError(f"{where}: field {name!r} is missing")
    return values


def _value(where: str, name: str, kind: str, value: Any) -> Any:
    if kind == "str":
        return _text(where, name, value)
    good = isinstance(value, int) if kind == "int" else isinstance(value, (int, float))
    if not good or isinstance(value, bool):
        wanted = "a whole number" if kind == "int" else "a number"
        raise PackSpecError(f"{where}: field {name!r} is {value!r}; it must be {wanted}")
    low, high = _RANGES[name]
    if not low <= value <= high:
        raise PackSpecError(f"{where}: field {name!r} is {value!r}; it must lie between {low} and {high}")
    return value if kind == "int" else float(value)


def _text(where: str, name: str, value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise PackSpecError(f"{where}: field {name!r} is {value!r}; it must be a text")
    if name == "name" and not _NAME.fullmatch(value):
        raise PackSpecError(
            f"{where}: field 'name' is {value!r}; use 1 to 64 letters, digits, '_', '.' or '-', "
            "the first a letter or a digit"
        )
    return value


def _read_ocv(data: Mapping[str, Any], where: str) -> OcvTable:
    given = data["ocv"]
    if isinstance(given, str):
        if given not in ocv_names():
            raise PackSpecError(f"{where}: field 'ocv' is {given!r}; the shipped tables are {', '.join(ocv_names())}")
        return ocv_table(given)
    if not isinstance(given, Mapping) or set(given) != {"soc", "voltage_v"}:
        raise PackSpecError(
            f"{where}: field 'ocv' must be the name of a table, or {{ soc = [...], voltage_v = [...] }}"
        )
    try:
        soc, voltage = (tuple(float(v) for v in given[key]) for key in ("soc", "voltage_v"))
        return OcvTable(str(data["name"]), str(data["chemistry"]), soc, voltage)
    except (TypeError, ValueError, InputError) as error:
        raise PackSpecError(f"{where}: field 'ocv': {error}") from error


def _read_display(data: Mapping[str, Any], where: str) -> Display:
    if "display" not in data:
        return Display(cells_per_module=int(data["series"]))
    given = data["display"]
    if not isinstance(given, Mapping):
        raise PackSpecError(f"{where}: field 'display' is {given!r}; it must be a table")
    return Display(**_plain_fields(given, Display, f"{where}, display"))


def _read_life(data: Mapping[str, Any], where: str) -> dict[str, Any]:
    """What life may come to, where it is given."""
    readers = {"end_of_life_pct": read_limits, "warranty": read_warranties}
    return {name: read(data[name], where) for name, read in readers.items() if name in data}


def _check_together(spec: PackSpec, where: str) -> None:
    for low, high in (("cell_voltage_min_v", "cell_voltage_max_v"), ("temp_min_c", "temp_max_c")):
        if getattr(spec, low) >= getattr(spec, high):
            raise PackSpecError(
                f"{where}: field {low!r} is {getattr(spec, low)}; it must be below {high!r} ({getattr(spec, high)})"
            )
    shown = spec.display.modules * spec.display.cells_per_module
    if shown != spec.series:
        raise PackSpecError(
            f"{where}: field 'display' draws {shown} cell groups (modules x cells_per_module); "
            f"'series' is {spec.series}"
        )
    places = spec.display.rows * spec.display.columns
    if places < spec.display.modules:
        raise PackSpecError(
            f"{where}: field 'display' has {places} places (rows x columns) for {spec.display.modules} modules"
        )
    _check_energy(spec, where)


def _check_energy(spec: PackSpec, where: str) -> None:
    """Capacity and energy must agree; a factor of 1000 between them is a unit slip."""
    nominal_v = spec.energy_kwh * 1000.0 / spec.capacity_ah / spec.series
    if not 0.8 * spec.cell_voltage_min_v <= nominal_v <= 1.1 * spec.cell_voltage_max_v:
        raise PackSpecError(
            f"{where}: field 'energy_kwh' is {spec.energy_kwh}; with {spec.capacity_ah} Ah and {spec.series} in series "
            f"that is {nominal_v:.3g} V a cell, outside {spec.cell_voltage_min_v} to {spec.cell_voltage_max_v} V"
        )


def check_pack(spec: PackSpec, where: str = "pack specification") -> None:
    """Refuse a specification whose figures contradict each other.

    Raises:
        PackSpecError: Naming both figures.
    """
    where = f"{where} {spec.name!r}"
    low, middle, high = (float(one) for one in np.asarray(spec.ocv.linear(np.array([0.1, 0.5, 0.9]))))
    if high > spec.cell_voltage_max_v or low < spec.cell_voltage_min_v:
        field, limit, volts = (
            ("cell_voltage_max_v", spec.cell_voltage_max_v, f"{high:.3g} V at 90 %")
            if high > spec.cell_voltage_max_v
            else ("cell_voltage_min_v", spec.cell_voltage_min_v, f"{low:.3g} V at 10 %")
        )
        raise PackSpecError(
            f"{where}: field {field!r} is {limit}, but the open-circuit voltage {spec.ocv.name!r} is {volts} charge: "
            "correct the limit, or give the OCV of this cell"
        )
    nominal_v = spec.energy_kwh * 1000.0 / spec.capacity_ah / spec.series
    if abs(nominal_v / middle - 1.0) > MOST_OFF_ENERGY:
        raise PackSpecError(
            f"{where}: field 'energy_kwh' is {spec.energy_kwh}; with {spec.capacity_ah} Ah and {spec.series} in series "
            f"that is {nominal_v:.3g} V a cell, but the open-circuit voltage {spec.ocv.name!r} is {middle:.3g} V at "
            "half charge: one of energy, capacity, series and OCV is wrong"
        )
    least, most = CELL_AH
    if not least <= spec.cell_capacity_ah <= most:
        raise PackSpecError(
            f"{where}: {spec.capacity_ah} Ah over {spec.parallel} in parallel are {spec.cell_capacity_ah:.3g} Ah a "
            f"cell, outside {least:g} to {most:g}: 'capacity_ah' is the pack's, 'parallel' counts a group's cells"
        )
    for name in ("charge_current_max_a", "discharge_current_max_a"):
        rate = getattr(spec, name) / spec.capacity_ah
        if not C_RATE[0] <= rate <= C_RATE[1]:
            raise PackSpecError(
                f"{where}: field {name!r} is {getattr(spec, name)}; with {spec.capacity_ah} Ah that is {rate:.3g} "
                f"times the capacity an hour, outside {C_RATE[0]:g} to {C_RATE[1]:g}: are both of the pack, A and Ah?"
            )
