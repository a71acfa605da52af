"""Units a source may measure in, and how each becomes the unit of the schema: `value * scale + offset`."""

from __future__ import annotations

from twinpack.errors import ProfileError
from twinpack.telemetry.schema import SIGNALS

Conversion = tuple[float, float]

_KELVIN = -273.15
_MILE_KM = 1.609344

_UNITS: dict[str, dict[str, Conversion]] = {
    "V": {"V": (1.0, 0.0), "mV": (1e-3, 0.0), "kV": (1e3, 0.0), "uV": (1e-6, 0.0), "0.1 V": (0.1, 0.0)},
    "A": {"A": (1.0, 0.0), "mA": (1e-3, 0.0), "kA": (1e3, 0.0), "uA": (1e-6, 0.0), "0.1 A": (0.1, 0.0)},
    "degC": {
        "degC": (1.0, 0.0),
        "K": (1.0, _KELVIN),
        "degF": (5 / 9, -160 / 9),
        "0.1 degC": (0.1, 0.0),
        "mK": (1e-3, _KELVIN),
    },
    "%": {"%": (1.0, 0.0), "fraction": (100.0, 0.0), "0.1 %": (0.1, 0.0)},
    "km/h": {"km/h": (1.0, 0.0), "m/s": (3.6, 0.0), "mph": (_MILE_KM, 0.0), "cm/s": (0.036, 0.0)},
    "km": {"km": (1.0, 0.0), "m": (1e-3, 0.0), "mi": (_MILE_KM, 0.0)},
    "m": {"m": (1.0, 0.0), "km": (1e3, 0.0), "cm": (1e-2, 0.0), "ft": (0.3048, 0.0)},
    "kg": {"kg": (1.0, 0.0), "t": (1e3, 0.0), "g": (1e-3, 0.0), "lb": (0.45359237, 0.0)},
    "s": {"s": (1.0, 0.0), "ms": (1e-3, 0.0), "us": (1e-6, 0.0), "min": (60.0, 0.0), "h": (3600.0, 0.0)},
    "kW": {"kW": (1.0, 0.0), "W": (1e-3, 0.0), "MW": (1e3, 0.0)},
    "kohm": {"kohm": (1.0, 0.0), "ohm": (1e-3, 0.0), "Mohm": (1e3, 0.0)},
    "": {"": (1.0, 0.0)},
}
_OTHER_SPELLINGS = {"C": "degC", "°C": "degC", "°F": "degF", "F": "degF", "percent": "%", "kmh": "km/h", "kph": "km/h"}


def units_for(base: str) -> dict[str, Conversion]:
    """Every unit that can become `base`, with scale and offset."""
    return _UNITS[base]


def conversion(unit: str, base: str, where: str) -> Conversion:
    """Scale and offset from a unit to the base unit of its dimension.

    Args:
        unit: The unit of the source.
        base: The unit of the schema, or `s` for elapsed time.
        where: What to call the key in an error.

    Raises:
        ProfileError: The unit is not known for this dimension; the message lists those that are.
    """
    known = _UNITS[base]
    found = known.get(_OTHER_SPELLINGS.get(unit, unit))
    if found is None:
        raise ProfileError(f"{where}: unit {unit!r} does not become {base or 'a flag'!r}; known are {', '.join(known)}")
    return found


def signal_conversion(signal: str, unit: str, where: str) -> Conversion:
    """Scale and offset from a unit to that of a signal of the schema.

    Raises:
        ProfileError: The unit is not known for this signal.
    """
    return conversion(unit, SIGNALS[signal].unit, where)
