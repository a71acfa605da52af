from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from twinpack.report.encode import plain, script_json
from twinpack.views.columns import FloatColumn
from twinpack.views.twin.records import Decimals


@dataclass(frozen=True, eq=False)
class Sample:
    name: str
    volts: Annotated[float | None, Decimals(2)]
    column: Annotated[FloatColumn, Decimals(1)]


def test_numbers_keep_the_decimals_their_field_names() -> None:
    sample = Sample("a", 3.14159, np.array([1.26, np.nan, -np.inf, 7.0]))

    assert plain(sample) == {"name": "a", "volts": 3.14, "column": [1.3, None, None, 7]}


def test_missing_figures_become_null() -> None:
    assert plain(Sample("a", float("nan"), np.array([]))) == {"name": "a", "volts": None, "column": []}
    assert plain(Sample("a", None, np.array([])))["volts"] is None


def test_numpy_scalars_and_nested_tuples_become_json() -> None:
    assert script_json({"a": (np.int64(3), np.float64(0.5), np.bool_(True)), "b": [None]}) == (
        '{"a":[3,0.5,true],"b":[null]}'
    )


@given(st.text())
def test_any_text_survives_and_none_can_end_the_element(text: str) -> None:
    encoded = script_json(text)

    assert json.loads(encoded) == text
    assert not set("<>&\u2028\u2029") & set(encoded)
