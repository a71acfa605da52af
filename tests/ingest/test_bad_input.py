from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twinpack.errors import ImportFileError, ProfileError, TwinpackError
from twinpack.ingest.log import SegmentLog
from twinpack.ingest.records import MemoryDeadLetters

if TYPE_CHECKING:
    from pathlib import Path

from tests.ingest.conftest import PROFILE, Bench

HEADER = "vin,t,volt,amp,soc,temp\n"


def _row(
    second: int = 0, vin: str = "car-1", volt: str = "380", amp: str = "-5", soc: str = "50", temp: str = "20"
) -> str:
    return f"{vin},2025-01-01T00:00:{second:02d}Z,{volt},{amp},{soc},{temp}\n"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", b"", "the file is empty"),
        ("a.parquet", b"", "the file is empty"),
        ("a.csv", b"\n\n", "cannot be read"),
        ("a.csv", HEADER.encode(), "no rows after the header"),
        ("a.csv", bytes(range(256)) * 20, "binary"),
        ("a.parquet", b"vin,t\n", "not a Parquet file"),
        ("a.parquet", b"PAR1" + b"x" * 300, "cannot be read"),
        ("a.csv", (HEADER + _row()).encode("utf-16"), 'encoding = "utf-16"'),
        ("a.csv", (HEADER + _row(vin="ü")).encode("latin-1"), "set encoding under"),
        ("a.csv.gz", b"\x1f\x8b\x08broken", "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_clear_line(bench: Bench, name: str, content: bytes, words: str) -> None:
    path = bench.folder / name
    path.write_bytes(content)
    with pytest.raises(ImportFileError, match=words) as caught:
        bench.run(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2
    assert bench.log.end_offset == 0
    assert bench.leftovers() == []


def test_a_truncated_parquet_leaves_nothing(bench: Bench) -> None:
    whole = bench.folder / "whole.parquet"
    table = pa.table({"vin": ["car-1"] * 500, "t": ["2025-01-01T00:00:00Z"] * 500, "volt": [380.0] * 500})
    pq.write_table(table.append_column("amp", pa.array([1.0] * 500)), whole)
    broken = bench.folder / "broken.parquet"
    broken.write_bytes(whole.read_bytes()[:-40])
    with pytest.raises(ImportFileError, match=r"broken\.parquet: cannot be read"):
        bench.run(broken)
    assert bench.log.end_offset == 0


def test_damage_in_the_middle_takes_back_what_was_read_before(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("twinpack.ingest.readers._BLOCK_BYTES", 300)
    path = bench.folder / "a.csv"
    good = "".join(_row(i) for i in range(50))
    path.write_bytes((HEADER + good + _row(51, volt="oops")).encode() + b"\xff\xfe,\xff,1,1,1,1\n")
    with pytest.raises(ImportFileError, match="utf-8"):
        bench.run(path)
    assert (bench.log.end_offset, bench.letters("row"), bench.leftovers()) == (0, [], [])


def test_a_missing_file_and_an_empty_folder(bench: Bench) -> None:
    with pytest.raises(ImportFileError, match="No such file"):
        bench.run(bench.folder / "none.csv")
    with pytest.raises(ImportFileError, match=r"no file here is called \*\.csv"):
        bench.run(bench.folder)


def test_in_a_folder_the_good_files_are_imported(bench: Bench) -> None:
    (bench.folder / "a.csv").write_text("")
    (bench.folder / "b.csv").write_text(HEADER + _row())
    (bench.folder / "c.csv").write_text("other,columns\n1,2\n")
    summary = bench.run(bench.folder)
    assert [file.status for file in summary.files] == ["failed", "imported", "failed"]
    assert summary.exit_code == 2
    assert [file.name for file in summary.failed] == ["a.csv", "c.csv"]
    assert "'vin'" in summary.failed[1].error
    assert len(bench.samples("vehicle_id")) == 1


def test_a_missing_column_is_named_with_those_present(bench: Bench) -> None:
    with pytest.raises(ProfileError, match="no column 'amp' for pack_current_a; the file has: vin, t, volt"):
        bench.csv("vin,t,volt\ncar-1,2025-01-01,380\n")


def test_a_column_there_twice_is_refused(bench: Bench) -> None:
    with pytest.raises(ImportFileError, match="'volt' is there more than once"):
        bench.csv("vin,t,volt,volt,amp\ncar-1,2025-01-01,380,380,1\n")


@pytest.mark.parametrize(
    ("row", "reason", "detail"),
    [
        (_row(1, vin="../x"), "vehicle", "'../x' is not an allowed vehicle id"),
        (_row(1, vin=""), "vehicle", "the vehicle id is missing"),
        (_row(1, volt="abc"), "number", "volt: 'abc' is not a number"),
        (_row(1, volt="inf"), "infinite", "pack_voltage_v is infinite"),
        (_row(1, amp="-Infinity"), "infinite", "pack_current_a is infinite"),
        (_row(1, volt="-1"), "range", "pack_voltage_v is -1 V, outside"),
        (_row(1, amp="99999"), "range", "pack_current_a is 99999 A, outside -900 to 900 A"),
        ("car-1,yesterday,380,1,50,20\n", "time", "'yesterday' is not a time"),
        ("car-1,,380,1,50,20\n", "time", "the time is missing"),
        ("car-1,1970-01-01,380,1,50,20\n", "time", "not between 1990 and 2100"),
        ("car-1,2031-01-01,380,1,50,20\n", "clock", "ahead of the moment of the import"),
        ("car-1,380\n", "row", "2 fields where the header names 6"),
        (_row(0, volt="381"), "conflict", "same time and other values"),
    ],
)
def test_a_bad_row_goes_to_the_dead_letters(bench: Bench, row: str, reason: str, detail: str) -> None:
    summary = bench.csv(HEADER + _row(0) + row + _row(2))
    assert summary.rows_imported == 2
    assert summary.rejected == {reason: 1}
    assert bench.letters("file", "row", "reason", "action") == [("a.csv", 2, reason, "row rejected")]
    assert detail in bench.letters("detail")[0][0]
    assert json.loads(bench.letters("raw")[0][0])


@pytest.mark.parametrize("soc", ["101", "-3", "inf", "full"])
def test_an_impossible_value_beside_the_point_is_cleared(bench: Bench, soc: str) -> None:
    summary = bench.csv(HEADER + _row(0) + _row(1, soc=soc))
    assert summary.rows_imported == 2
    assert summary.cleared.total() == 1
    assert bench.letters("row", "action") == [(2, "value cleared")]
    assert bench.samples("soc_pct") == [[50.0], [None]]


def test_a_sample_ahead_of_its_receipt_is_quarantined(bench: Bench) -> None:
    profile = PROFILE.replace('clock = "t"', 'clock = "t"\nreceipt = "r"')
    rows = (
        "car-1,2025-01-01T00:04:59Z,2025-01-01T00:00:00Z,380,1\ncar-1,2025-01-01T00:05:01Z,2025-01-01T00:00:00Z,380,1\n"
    )
    bench.csv("vin,t,r,volt,amp\n" + rows, profile=profile)
    assert bench.letters("row", "reason", "detail") == [(2, "clock", "the sample time is 301 s ahead of its receipt")]


def test_runs_of_nan_are_missing_and_kept(bench: Bench) -> None:
    summary = bench.csv(HEADER + "".join(_row(i, volt="NaN", amp="", soc="nan") for i in range(5)) + _row(6))
    assert (summary.rows_imported, summary.rejected.total()) == (6, 0)
    assert bench.samples("pack_voltage_v", "pack_current_a") == [[None, None]] * 5 + [[380.0, -5.0]]


def test_duplicates_are_dropped_and_counted(bench: Bench) -> None:
    summary = bench.csv(HEADER + _row(0) + _row(0) + _row(1, vin="car-2") + _row(1) + _row(0))
    assert (summary.duplicates, summary.rows_imported, summary.rejected.total()) == (2, 3, 0)


def test_time_going_backwards_is_kept_in_the_order_of_arrival_and_counted(bench: Bench) -> None:
    summary = bench.csv(HEADER + "".join(_row(i) for i in (5, 3, 4, 6)))
    assert (summary.late, summary.rows_imported) == (2, 4)
    assert [row[0].second for row in bench.samples("sample_time")] == [5, 3, 4, 6]


def test_a_trip_of_one_sample(bench: Bench) -> None:
    assert bench.csv(HEADER + _row()).rows_imported == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"volt": "380000"}, 'all 30 rows: pack_voltage_v is out of range: looks like mV, set unit = "mV"'),
        ({"volt": "0.38"}, "looks like kV"),
        ({"amp": "-50000"}, "looks like mA"),
        ({"temp": "293"}, "looks like K"),
        ({"soc": "0.9"}, "all 30 rows: soc_pct is out of range: looks like fraction"),
    ],
)
def test_wrong_units_are_told_and_nothing_is_imported(bench: Bench, change: dict[str, str], words: str) -> None:
    with pytest.raises(ImportFileError, match=words):
        bench.csv(HEADER + "".join(_row(i, **change) for i in range(30)))
    assert bench.log.end_offset == 0


def test_after_the_unit_is_put_right_the_file_is_imported(bench: Bench) -> None:
    text = HEADER + _row(0, volt="380000") + _row(1, volt="381000") + _row(2, volt="bad")
    with pytest.raises(ImportFileError, match="looks like mV"):
        bench.csv(text)
    right = PROFILE.replace('"volt"', '{ column = "volt", unit = "mV" }')
    assert bench.csv(text, profile=right).rows_imported == 2
    assert bench.samples("pack_voltage_v") == [[380.0], [381.0]]
    assert bench.letters("row", "reason") == [(1, "range"), (2, "range"), (3, "number"), (3, "number")]


def test_a_unit_stated_wrongly_is_put_right_by_the_advice(bench: Bench) -> None:
    wrong = PROFILE.replace('"volt"', '{ column = "volt", unit = "mV" }')
    with pytest.raises(ImportFileError, match='set unit = "V"'):
        bench.csv(HEADER + _row(), profile=wrong)


def test_a_file_of_bad_rows_only_is_refused_and_may_come_again(bench: Bench) -> None:
    text = HEADER + _row(0, volt="x") + _row(1, vin="?")
    for _ in range(2):
        with pytest.raises(ImportFileError, match="all 2 rows were rejected"):
            bench.csv(text)
    assert bench.letters("row", "reason") == [(1, "number"), (2, "vehicle")]


def test_dead_letters_of_an_import_that_died_are_not_doubled(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(*_: object) -> None:
        raise KeyboardInterrupt

    text = HEADER + _row(0) + _row(1, volt="x")
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("twinpack.ingest.log.SegmentWriter.place", die)
        bench.csv(text)
    assert (bench.log.end_offset, bench.letters("row")) == (0, [(2,)])
    bench.csv(text)
    assert bench.letters("row") == [(2,)]
    assert len(bench.samples("vehicle_id")) == 1


@pytest.mark.parametrize(("amp", "noted"), [("50", True), ("-50", False)])
def test_a_current_of_the_wrong_sign_is_noted(bench: Bench, amp: str, noted: bool) -> None:
    summary = bench.csv(HEADER + "".join(_row(i, amp=amp, soc=f"{60 - 0.1 * i:.1f}") for i in range(60)))
    assert summary.rows_imported == 60
    assert [("sign = -1" in note) for note in summary.files[0].notes] == [True] * noted


@settings(max_examples=60, deadline=None)
@given(content=st.one_of(st.binary(max_size=400), st.text(max_size=300).map(lambda text: (HEADER + text).encode())))
def test_any_bytes_are_imported_or_refused_in_words(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    folder: Path = tmp_path_factory.mktemp("any")
    bench = Bench(folder, SegmentLog(folder / "log"), MemoryDeadLetters())
    path = folder / "a.csv"
    path.write_bytes(content)
    try:
        summary = bench.run(path)
    except TwinpackError as error:
        assert str(path) in str(error) or "a.csv" in str(error)
        assert bench.log.end_offset == 0
    else:
        assert summary.rows_read == summary.rows_imported + summary.duplicates + summary.rejected.total()
    assert bench.leftovers() == []
