from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinpack.errors import ImportFileError, ProfileError
from twinpack.telemetry.profiles import bind, parse_profile, shipped_profile, shipped_profiles
from twinpack.telemetry.readings import Readings
from twinpack.telemetry.schema import SIGNALS
from twinpack.telemetry.units import signal_conversion, units_for

BASE = """
name = "p"
pack = "x"
[vehicle]
constant = "v"
[time]
clock = "t"
format = "s"
"""
US = 1_000_000


def _read(toml: str, columns: dict[str, Any], name: str = "file.csv", start: int = 0) -> Readings:
    table = pa.table(columns)
    return bind(parse_profile(toml), table.column_names, name).convert(table, lambda _: start)


def _signal(line: str, values: Any, name: str = "pack_voltage_v") -> list[float]:
    column = values if isinstance(values, pa.Array) else pa.array(values)
    toml = f"{BASE}[signals]\n{name} = {line}\n"
    return list(_read(toml, {"t": pa.array([0] * len(column)), "c": column}).signals[name])


def test_every_shipped_profile_is_good() -> None:
    assert {"bdf", "gbt32960", "twinpack"} <= set(shipped_profiles())
    for name in shipped_profiles():
        assert shipped_profile(name).name == name


def test_the_own_format_names_every_signal() -> None:
    assert set(shipped_profile("twinpack").signals) == set(SIGNALS)


@pytest.mark.parametrize(
    ("line", "raw", "expected"),
    [
        ('"c"', [380.0], [380.0]),
        ('{ column = "c", unit = "mV" }', [380_000], [380.0]),
        ('{ column = "c", unit = "kV" }', [0.38], [380.0]),
        ('{ column = "c", scale = 0.1, offset = -50 }', [1000], [50.0]),
        ('{ column = "c", scale = 100, unit = "mV" }', [3800], [380.0]),
        ('{ column = "c", sign = -1 }', [5.0], [-5.0]),
        ('{ column = "c", invalid = [65535, "n/a"] }', [1, 65535], [1.0, np.nan]),
        ('{ column = "c", invalid = [65535, "n/a"] }', ["n/a", " 7 ", "65535"], [np.nan, 7.0, np.nan]),
        ('{ column = "c", invalid_below = 0, invalid_above = 10 }', [-1, 5, 11], [np.nan, 5.0, np.nan]),
        ('{ column = ["nope", "c"] }', [1.0], [1.0]),
        ("{ constant = 3.5 }", [0], [3.5]),
        ('"c"', ["+1.5", "1e2", "", None], [1.5, 100.0, np.nan, np.nan]),
    ],
)
def test_a_signal_is_read_as_the_profile_says(line: str, raw: list[Any], expected: list[float]) -> None:
    np.testing.assert_allclose(_signal(line, raw), expected)


def test_a_marker_is_found_in_single_precision() -> None:
    values = pa.array([6553.5, 1.0], pa.float32()).cast(pa.float32())
    assert np.isnan(_signal('{ column = "c", invalid = [6553.4] }', pa.array([6553.4, 1.0], pa.float32()))[0])
    assert not np.isnan(_signal('{ column = "c", invalid = [6553.4] }', values)[0])


@pytest.mark.parametrize(
    ("signal", "unit", "raw", "expected"),
    [
        ("cell_temp_avg_c", "K", 293.15, 20.0),
        ("cell_temp_avg_c", "degF", 68.0, 20.0),
        ("speed_kmh", "m/s", 10.0, 36.0),
        ("speed_kmh", "mph", 100.0, 160.9344),
        ("odometer_km", "m", 1500.0, 1.5),
        ("heating_power_kw", "W", 2500.0, 2.5),
        ("soc_pct", "fraction", 0.5, 50.0),
        ("pack_current_a", "mA", 1500.0, 1.5),
        ("planned_duration_s", "min", 2.0, 120.0),
    ],
)
def test_units(signal: str, unit: str, raw: float, expected: float) -> None:
    assert _signal(f'{{ column = "c", unit = "{unit}" }}', [raw], signal) == [pytest.approx(expected)]


def test_every_unit_of_the_schema_is_its_own_conversion() -> None:
    for signal in SIGNALS.values():
        assert units_for(signal.unit)[signal.unit] == (1.0, 0.0)
        assert signal_conversion(signal.name, signal.unit, "") == (1.0, 0.0)


def test_flags_are_read_from_words() -> None:
    assert _signal('"c"', ["yes", "No", "TRUE", "0"], "is_charging") == [1.0, 0.0, 1.0, 0.0]
    assert _signal('"c"', [True, False], "is_charging") == [1.0, 0.0]


def test_what_is_no_number_is_a_fault_of_its_row() -> None:
    toml = f'{BASE}[signals]\npack_voltage_v = "c"\nsoc_pct = "d"\n'
    readings = _read(toml, {"t": [1, 2, 3], "c": ["1", "x", "2"], "d": ["a", "1", "2"]})
    assert [(fault.reason, fault.action, fault.rows.tolist(), fault.details) for fault in readings.faults] == [
        ("number", "row rejected", [1], ["c: 'x' is not a number"]),
        ("number", "value cleared", [0], ["d: 'a' is not a number"]),
    ]


def test_a_decimal_comma() -> None:
    toml = f'{BASE}[csv]\ndelimiter = ";"\ndecimal = ","\n[signals]\npack_voltage_v = "c"\n'
    assert _read(toml, {"t": ["1"], "c": ["380,5"]}).signals["pack_voltage_v"].tolist() == [380.5]


@pytest.mark.parametrize(
    ("form", "zone", "value", "expected"),
    [
        ("iso", "UTC", "2025-01-01T00:00:00Z", "2025-01-01T00:00:00"),
        ("iso", "UTC", "2025-01-01 00:00:00.25", "2025-01-01T00:00:00.25"),
        ("iso", "UTC", "2025-01-01T02:00:00+02:00", "2025-01-01T00:00:00"),
        ("iso", "Europe/Berlin", "2025-07-01T02:00:00", "2025-07-01T00:00:00"),
        ("iso", "Europe/Berlin", "2025-07-01", "2025-06-30T22:00:00"),
        ("s", "UTC", 1735689600.5, "2025-01-01T00:00:00.5"),
        ("ms", "UTC", 1735689600500, "2025-01-01T00:00:00.5"),
        ("us", "UTC", 1735689600500000, "2025-01-01T00:00:00.5"),
        ("ns", "UTC", 1735689600500000123, "2025-01-01T00:00:00.5"),
        ("ms", "UTC", "1735689600500", "2025-01-01T00:00:00.5"),
        ("iso", "Asia/Tokyo", datetime.fromisoformat("2025-01-01T09:00"), "2025-01-01T00:00:00"),
        ("iso", "Asia/Tokyo", datetime(2025, 1, 1, 9, tzinfo=UTC), "2025-01-01T09:00:00"),
    ],
)
def test_clock_times(form: str, zone: str, value: Any, expected: str) -> None:
    toml = BASE.replace('format = "s"', f'format = "{form}"\ntimezone = "{zone}"') + '[signals]\nspeed_kmh = "c"\n'
    moment = datetime.fromisoformat(expected).replace(tzinfo=UTC)
    readings = _read(toml, {"t": [value], "c": [1.0]})
    assert readings.sample_time_us.tolist() == [
        (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    ]


_CLOCK = st.datetimes(datetime.fromisoformat("1990-01-01"), datetime.fromisoformat("2099-01-01"))


@given(st.lists(_CLOCK, min_size=1, max_size=5), st.booleans())
def test_a_bad_time_does_not_change_how_the_others_are_read(times: list[datetime], zoned: bool) -> None:
    toml = BASE.replace('"s"', '"iso"') + '[signals]\nspeed_kmh = "c"\n'
    texts = [time.isoformat() + ("+01:00" if zoned else "") for time in times]
    fast = _read(toml, {"t": texts, "c": [1.0] * len(texts)})
    slow = _read(toml, {"t": [*texts, "2025-13-01"], "c": [1.0] * (len(texts) + 1)})
    assert slow.sample_time_us[:-1].tolist() == fast.sample_time_us.tolist()
    assert [(fault.reason, fault.rows.tolist()) for fault in slow.faults] == [("time", [len(texts)])]


def test_elapsed_time_starts_where_it_is_told() -> None:
    toml = BASE.replace('clock = "t"\nformat = "s"', 'clock = "no"\nelapsed = "t"\nelapsed_unit = "ms"')
    readings = _read(toml + '[signals]\nspeed_kmh = "c"\n', {"t": [0, 100.5], "c": [1, 1]}, start=7 * US)
    assert readings.sample_time_us.tolist() == [7_000_000, 7_100_500]


def test_bdf_by_label_or_machine_name_with_the_vehicle_from_the_file_name() -> None:
    profile = shipped_profile("bdf")
    labels = {"Test Time / s": [0.0], "Voltage / V": [3.7], "Current / A": [-1.0], "Unix Time / s": [1.7e9]}
    machine = {"test_time_second": [0.0], "voltage_volt": [3.7], "current_ampere": [-1.0]}
    for columns, name, time in ((labels, "cell-7.bdf.csv", 1_700_000_000 * US), (machine, "cell-7.bdf.parquet", 5)):
        bound = bind(profile, list(columns), name)
        readings = bound.convert(pa.table(columns), lambda _: 5)
        assert readings.vehicle_ids == ("cell-7",)
        assert readings.sample_time_us.tolist() == [time]
        assert readings.signals["pack_current_a"].tolist() == [-1.0]


def test_a_file_name_that_gives_no_vehicle_is_refused() -> None:
    toml = BASE.replace('constant = "v"', 'file_pattern = "^car(?P<vehicle>.*)_"') + '[signals]\nspeed_kmh = "c"\n'
    with pytest.raises(ImportFileError, match="does not match"):
        _read(toml, {"t": [1], "c": [1]}, "bus_1.csv")
    with pytest.raises(ImportFileError, match="not an allowed vehicle id"):
        _read(toml, {"t": [1], "c": [1]}, "car b_1.csv")
    assert _read(toml, {"t": [1], "c": [1]}, "car7_1.csv").vehicle_ids == ("7",)


def test_lists_come_from_a_list_from_text_or_from_several_columns() -> None:
    one = f'{BASE}[signals]\ncell_voltage_v = {{ column = "c", unit = "mV" }}\n'
    many = f'{BASE}[signals]\ncell_voltage_v = {{ columns = ["c1", "c2"], invalid = [0] }}\n'
    from_list = _read(one, {"t": [1, 2], "c": [[3700, None], None]}).lists["cell_voltage_v"]
    from_text = _read(one, {"t": [1, 2], "c": ["[3700; ]", None]}).lists["cell_voltage_v"]
    from_columns = _read(many, {"t": [1], "c1": [3.5], "c2": [0]}).lists["cell_voltage_v"]
    for lists in (from_list, from_text):
        assert lists.to_pylist() == [[pytest.approx(3.7), None], None]
    assert from_columns.to_pylist() == [[3.5, None]]


def _numbered(*columns: str) -> list[list[float]]:
    toml = f'{BASE}[signals]\ncell_voltage_v = {{ numbered = "cell_{{n}}_V", unit = "mV" }}\n'
    given = {name: [float(re.sub(r"\D", "", name) or 0)] for name in columns}
    found: list[list[float]] = _read(toml, {"t": [1], **given}).lists["cell_voltage_v"].to_pylist()
    return found


def test_numbered_columns_are_a_list_in_the_order_of_their_numbers() -> None:
    columns = [f"cell_{n}_V" for n in (10, 2, 1, 3, 4, 5, 6, 7, 8, 9)]
    np.testing.assert_allclose(_numbered(*columns, "cell_v_max_V", "xcell_1_V"), [[n / 1000 for n in range(1, 11)]])
    np.testing.assert_allclose(_numbered("cell_00_V", "cell_01_V"), [[0.0, 0.001]])


def test_a_number_that_is_left_out_keeps_its_place_and_is_told() -> None:
    columns = ["cell_2_V", "cell_3_V", "cell_5_V", "cell_4_V", "cell_7_V"]
    np.testing.assert_allclose(
        np.array(_numbered(*columns), np.float64), [[np.nan, 0.002, 0.003, 0.004, 0.005, np.nan, 0.007]], rtol=1e-6
    )
    toml = f'{BASE}[signals]\ncell_voltage_v = {{ numbered = "cell_{{n}}_V" }}\n'
    bound = bind(parse_profile(toml), ["t", *columns], "x.csv")
    assert bound.notes == ("cell_voltage_v: no column for number 1, 6 of 7, which stay unknown",)
    assert bind(parse_profile(toml), ["t", "cell_0_V", "cell_1_V"], "x.csv").notes == ()


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        (("cell_101_V", "cell_102_V"), "2 columns are numbered up to 102: most are missing, the first .* 'cell_1_V'"),
        (("cell_1_V", "cell_01_V"), "the columns 'cell_1_V' and 'cell_01_V' have the same number"),
        (("cell_V",), "no column 'cell_1_V' for cell_voltage_v"),
    ],
)
def test_numbered_columns_that_make_no_list(columns: tuple[str, ...], words: str) -> None:
    with pytest.raises(ProfileError, match=words):
        _numbered(*columns)


@pytest.mark.parametrize(
    ("equals", "raw", "expected"),
    [
        ("[1]", [1, 3, 4, None], [1, 0, 0, np.nan]),
        ("[1, 2]", ["1", " 2.0", "3", ""], [1, 1, 0, np.nan]),
        ('["charging", 4]', ["charging", "idle", "4", None], [1, 0, 1, np.nan]),
        ("[1]", [254.0, 1.0, 255.0], [np.nan, 1, np.nan]),
    ],
)
def test_values_that_mean_yes(equals: str, raw: list[Any], expected: list[float]) -> None:
    found = _signal(f'{{ column = "c", equals = {equals}, invalid = [254, 255] }}', raw, "is_charging")
    np.testing.assert_array_equal(found, expected)


def test_a_telematics_export_with_a_column_a_cell_and_probe() -> None:
    columns: dict[str, Any] = {
        "vehicle_id": ["ev-1", "ev-1"],
        "time": ["2021-05-05 09:10:00", "2021-05-05 09:10:10"],
        "pack_voltage_V": [380.0, 381.0],
        "pack_current_A": [20.5, -40.0],
        "soc_bms_pct": [50, 51],
        "odo_km": [0, 1234.5],
        "charge_status": [3, 1],
        "insulation_resistance": [11520, 11520],
        **{f"cell_{n}_V": [3.7 + n / 100, 66.535] for n in range(1, 13)},
        **{f"temp_probe_{n}_C": [20 + n, 21 + n] for n in range(1, 4)},
    }
    readings = bind(shipped_profile("gbt32960"), list(columns), "ev.csv").convert(pa.table(columns), lambda _: 0)
    assert readings.sample_time_us[0] == datetime(2021, 5, 5, 1, 10, tzinfo=UTC).timestamp() * US
    assert readings.signals["pack_current_a"].tolist() == [-20.5, 40.0]
    assert readings.signals["is_charging"].tolist() == [0.0, 1.0]
    np.testing.assert_array_equal(readings.signals["odometer_km"], [np.nan, 1234.5])
    assert "isolation_resistance_kohm" not in readings.signals
    cells, probes = (readings.lists[name].to_pylist() for name in ("cell_voltage_v", "cell_temp_c"))
    np.testing.assert_allclose(cells, [[3.7 + n / 100 for n in range(1, 13)], [66.535] * 12], rtol=1e-6)
    assert probes == [[21, 22, 23], [22, 23, 24]]


def test_a_profile_may_extend_a_shipped_one() -> None:
    profile = parse_profile(
        'extends = "bdf"\nname = "mine"\npack = "x"\n[vehicle]\nconstant = "c7"\n[time]\ngap_s = 60\n'
    )
    assert profile.vehicle.constant == "c7"
    assert (profile.time.gap_s, profile.time.format) == (60.0, "s")
    assert "pack_voltage_v" in profile.signals


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ("name = ", "not valid TOML"),
        (BASE, "signals: name at least one"),
        (BASE + '[signals]\nvolts = "c"\n', r"signals.volts: no such signal; there are pack_voltage_v"),
        (BASE + '[signals]\nspeed_kmh = { column = "c", unit = "V" }\n', "signals.speed_kmh.unit: unit 'V'"),
        (BASE + '[signals]\nspeed_kmh = { colum = "c" }\n', "signals.speed_kmh: Object contains unknown field `colum`"),
        (BASE + '[signals]\nspeed_kmh = { column = "c", sign = 2 }\n', "signals.speed_kmh.sign: "),
        (BASE + "[signals]\nspeed_kmh = { required = false }\n", "signals.speed_kmh: give exactly one of column"),
        (BASE + '[signals]\nspeed_kmh = { columns = ["a"] }\n', "signals.speed_kmh.columns: only a list"),
        (BASE + '[signals]\nspeed_kmh = { numbered = "a{n}" }\n', "signals.speed_kmh.numbered: only a list"),
        (
            BASE + '[signals]\ncell_temp_c = { numbered = "a" }\n',
            "signals.cell_temp_c.numbered: 'a' must hold {n} once",
        ),
        (
            BASE + '[signals]\nspeed_kmh = { column = "c", equals = [1] }\n',
            "signals.speed_kmh.equals: only a signal that",
        ),
        (
            BASE + '[signals]\nis_charging = { column = "c", equals = [] }\n',
            "signals.is_charging.equals: name the values",
        ),
        (
            BASE + "[signals]\nis_charging = { constant = 1, equals = [1] }\n",
            "signals.is_charging.equals: name the val",
        ),
        (
            BASE + '[signals]\nis_charging = { column = "c", equals = [1], sign = -1 }\n',
            "signals.is_charging.equals: scale, offset, sign and unit",
        ),
        (BASE.replace("constant", "colour") + '[signals]\nspeed_kmh = "c"\n', "vehicle: .*`colour`"),
        (BASE.replace('"v"', '"a b"') + '[signals]\nspeed_kmh = "c"\n', "vehicle.constant: vehicle id 'a b'"),
        (BASE.replace('clock = "t"', "") + '[signals]\nspeed_kmh = "c"\n', "time: give clock"),
        (BASE.replace('"s"', '"days"') + '[signals]\nspeed_kmh = "c"\n', "time.format: Invalid enum value 'days'"),
        (BASE + 'timezone = "Mars"\n[signals]\nspeed_kmh = "c"\n', "time.timezone: no time zone 'Mars'"),
        (BASE + "gap_s = -1\n[signals]\nspeed_kmh = 'c'\n", "time.gap_s"),
        (BASE + "restart_gap_s = -1\n[signals]\nspeed_kmh = 'c'\n", "time.restart_gap_s"),
        (BASE + '[csv]\nencoding = "klingon"\n[signals]\nspeed_kmh = "c"\n', "csv.encoding"),
        ("colour = 1\n" + BASE + '[signals]\nspeed_kmh = "c"\n', "unknown field `colour`"),
        ('extends = "none"\n', "no profile 'none'"),
    ],
)
def test_a_mistake_names_its_key(toml: str, words: str) -> None:
    with pytest.raises(ProfileError, match=words) as caught:
        parse_profile(toml, "my.toml")
    assert "\n" not in str(caught.value)


def test_an_absent_optional_column_is_left_out_and_a_required_one_named() -> None:
    toml = f'{BASE}[signals]\nspeed_kmh = "c"\nsoc_pct = {{ column = "d", required = false }}\n'
    assert set(_read(toml, {"t": [1], "c": [1]}).signals) == {"speed_kmh"}
    with pytest.raises(ProfileError, match=r"file\.csv: no column 'c' for speed_kmh; the file has: t, x"):
        _read(toml, {"t": [1], "x": [1]})


def test_a_column_of_the_wrong_type_is_told() -> None:
    with pytest.raises(ProfileError, match="column 'c' holds list"):
        _signal('"c"', pa.array([[1]]))
    with pytest.raises(ProfileError, match='set format = "s"'):
        _read(BASE.replace('"s"', '"iso"') + '[signals]\nspeed_kmh = "c"\n', {"t": [1], "c": [1]})
