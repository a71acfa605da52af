"""Records to JSON that is compact, the same for the same data, and safe inside an HTML script element."""

from __future__ import annotations

import json
import math
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, get_type_hints

import numpy as np

from twinpack.views.twin.records import Decimals

# Within a script element only `<` can end it; the others guard against odd parsers and JavaScript line ends.
_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def script_json(value: Any) -> str:
    """JSON text of `value` (dataclasses, tuples, arrays, scalars) that may stand inside `<script>`."""
    text = json.dumps(plain(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for sign, escape in _ESCAPES.items():
        text = text.replace(sign, escape)
    return text


def plain(value: Any, decimals: int | None = None) -> Any:
    """`value` as JSON values; not-a-number and infinity become null, numbers keep `decimals` decimals."""
    if is_dataclass(value) and not isinstance(value, type):
        return {name: plain(getattr(value, name), count) for name, count in _decimals(type(value)).items()}
    if isinstance(value, np.ndarray):
        return _column(value, decimals)
    if isinstance(value, (tuple, list)):
        return [plain(item, decimals) for item in value]
    if isinstance(value, dict):
        return {str(key): plain(item, decimals) for key, item in value.items()}
    return _scalar(value, decimals)


@cache
def _decimals(record: type) -> dict[str, int | None]:
    """Names of a dataclass's fields, each with the decimals its annotation asks for."""
    hints = get_type_hints(record, include_extras=True)
    notes = {f.name: getattr(hints[f.name], "__metadata__", ()) for f in fields(record)}
    return {name: next((n.count for n in found if isinstance(n, Decimals)), None) for name, found in notes.items()}


def _column(values: np.ndarray[Any, np.dtype[Any]], decimals: int | None) -> list[Any]:
    rounded = values if decimals is None else np.round(values, decimals)
    whole = rounded.astype(np.float64)
    return [None if not math.isfinite(v) else int(v) if v == int(v) else v for v in whole.tolist()]


def _scalar(value: Any, decimals: int | None) -> Any:
    if isinstance(value, (np.integer, np.floating, np.bool_)):
        value = value.item()
    if not isinstance(value, float):
        return value
    if not math.isfinite(value):
        return None
    number = value if decimals is None else round(value, decimals)
    return int(number) if number == int(number) else number
