from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from twinpack.errors import ImportFileError, NotFoundError, ProfileError
from twinpack.ingest.files import NO_IMPORT, Importer, find_files, find_pack, find_profile, import_path
from twinpack.ingest.records import ImportProgress
from twinpack.telemetry.profiles import shipped_profile
from twinpack.telemetry.schema import KIND_COMMAND, KIND_SAMPLE, KIND_TICK

if TYPE_CHECKING:
    from tests.ingest.conftest import Bench

CSV = """vin,t,volt,amp,soc
car-1,2025-01-01T00:00:00Z,380,-10,80
car-2,2025-01-01T00:00:01Z,381,-11,81
car-1,2025-01-01T00:00:02Z,379,-12,
"""

ELAPSED = """
name = "elapsed"
pack = "bmw_i3_60ah"
[vehicle]
constant = "one"
[time]
elapsed = "s"
gap_s = 3600
first_start = 2021-01-01T00:00:00Z
[signals]
pack_voltage_v = "volt"
pack_current_a = "amp"
"""


def test_a_file_becomes_registrations_samples_and_a_tick(bench: Bench) -> None:
    summary = bench.csv(CSV)
    assert (summary.rows_read, summary.rows_imported, summary.exit_code) == (3, 3, 0)
    assert summary.vehicles == {"car-1", "car-2"}
    rows = bench.rows().to_pylist()
    assert [row["kind"] for row in rows] == [KIND_COMMAND] * 2 + [KIND_SAMPLE] * 3 + [KIND_TICK]
    assert json.loads(rows[0]["command"]) == {"type": "register", "vehicle": "car-1", "pack": "bmw_i3_60ah"}
    assert bench.samples("vehicle_id", "pack_voltage_v", "soc_pct") == [
        ["car-1", 380.0, 80.0],
        ["car-2", 381.0, 81.0],
        ["car-1", 379.0, None],
    ]
    newest = max(row["receipt_time"] for row in rows if row["kind"] == KIND_SAMPLE)
    assert (rows[-1]["receipt_time"] - newest).total_seconds() == 3600


def test_a_marked_folder_is_left_out(tmp_path: Path) -> None:
    for name in ("taken", "left"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.csv").write_text(CSV, encoding="utf-8")
    (tmp_path / "left" / NO_IMPORT).touch()
    assert find_files(tmp_path, shipped_profile("twinpack")) == [tmp_path / "taken" / "a.csv"]


def test_the_same_content_twice_adds_nothing(bench: Bench) -> None:
    bench.csv(CSV)
    end = bench.log.end_offset
    assert bench.csv(CSV).count("already imported") == 1
    assert bench.csv(CSV, "copy.csv").count("already imported") == 1
    assert bench.log.end_offset == end


def test_a_vehicle_is_registered_once(bench: Bench) -> None:
    bench.csv(CSV)
    bench.csv(CSV.replace("2025-01-01", "2025-01-02"), "b.csv")
    kinds = bench.rows().column("kind").to_pylist()
    assert kinds.count(KIND_COMMAND) == 2
    assert kinds.count(KIND_TICK) == 2


def test_a_missing_tick_is_made_up_for(bench: Bench) -> None:
    path = bench.folder / "a.csv"
    path.write_text(CSV)
    Importer(bench.profile(), bench.log, bench.dead).import_file(path)  # ended before `finish`
    assert bench.log.needs_tick()
    bench.run(path)
    assert not bench.log.needs_tick()


def test_files_without_clock_follow_each_other_with_a_rest(bench: Bench) -> None:
    for name in ("trip10.csv", "trip2.csv"):
        (bench.folder / name).write_text(f"s,volt,amp\n0,380,{-1 if name == 'trip2.csv' else -2}\n5,380,-1\n")
    bench.run(bench.folder, ELAPSED)
    times = [row[0].isoformat() for row in bench.samples("sample_time")]
    assert times == [
        "2021-01-01T00:00:00+00:00",
        "2021-01-01T00:00:05+00:00",
        "2021-01-01T01:00:05+00:00",
        "2021-01-01T01:00:10+00:00",
    ]
    assert bench.samples("pack_current_a")[0] == [-1.0]


def test_elapsed_time_that_starts_again_goes_on_after_a_rest(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("twinpack.ingest.readers._BLOCK_BYTES", 40)  # a restart may fall between two pieces
    tests = [(vehicle, test, second) for test in range(3) for vehicle in "ab" for second in (1, 6, 11)]
    lines = [f"{vehicle},{second},{380 + test},-1" for vehicle, test, second in tests]
    profile = ELAPSED.replace('constant = "one"', 'column = "who"').replace("gap_s = 3600", "restart_gap_s = 1000")
    bench.csv("who,s,volt,amp\n" + "\n".join(lines) + "\n", profile=profile)
    rows = bench.samples("vehicle_id", "sample_time", "pack_voltage_v")
    for vehicle in "ab":
        mine = [(time.timestamp() - 1_609_459_200, volt) for who, time, volt in rows if who == vehicle]
        assert mine == [(1010.0 * test + second, 380.0 + test) for test in range(3) for second in (1, 6, 11)]


def test_a_later_import_without_clock_goes_on_after_the_last(bench: Bench) -> None:
    bench.csv("s,volt,amp\n0,380,-1\n", "a.csv", ELAPSED)
    bench.csv("s,volt,amp\n0,381,-1\n", "b.csv", ELAPSED)
    assert bench.samples("sample_time")[1][0].isoformat() == "2021-01-01T01:00:00+00:00"


def test_receipt_times_are_kept_and_default_to_the_newest_sample(bench: Bench) -> None:
    profile = bench.profile.__func__.__defaults__[0]  # type: ignore[attr-defined]
    with_receipt = profile.replace('clock = "t"', 'clock = "t"\nreceipt = "r"')
    bench.csv(
        "vin,t,r,volt,amp\ncar-1,2025-01-01T00:00:00Z,2025-01-01T00:00:09Z,380,1\ncar-1,2025-01-01T00:00:01Z,,380,1\n",
        profile=with_receipt,
    )
    seconds = [row[0].second for row in bench.samples("receipt_time")]
    assert seconds == [9, 1]


def test_a_late_row_is_received_when_the_newer_one_was(bench: Bench) -> None:
    summary = bench.csv(
        "vin,t,volt,amp\ncar-1,2025-01-01T00:00:05Z,380,1\ncar-1,2025-01-01T00:00:01Z,380,2\n"
        "car-1,2025-01-01T00:00:06Z,380,3\n"
    )
    assert summary.late == 1
    assert [row[0].second for row in bench.samples("sample_time")] == [5, 1, 6]
    assert [row[0].second for row in bench.samples("receipt_time")] == [5, 5, 6]


def test_parquet_and_gzip(bench: Bench) -> None:
    table = pa.table({"vin": ["car-1"], "t": pa.array([1_700_000_000_000_000], pa.timestamp("us")), "volt": [380]})
    pq.write_table(table.append_column("amp", pa.array([-5.0], pa.float32())), bench.folder / "a.parquet")
    (bench.folder / "b.csv.gz").write_bytes(gzip.compress(CSV.encode()))
    assert bench.run(bench.folder).rows_imported == 4


def test_big_files_are_read_in_pieces(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("twinpack.ingest.readers._BLOCK_BYTES", 200)
    lines = [f"car-1,{1_700_000_000 + i},380,{i % 7}" for i in range(100)]
    lines[50] = "car-1,1700000050,oops,1"
    lines[70] = "car-1,1700000070"
    lines.insert(31, lines[3])
    profile = """name = "n"\npack = "bmw_i3_60ah"\nvehicle = {column = "vin"}\ntime = {clock = "t", format = "s"}
[signals]\npack_voltage_v = "volt"\npack_current_a = "amp"\n"""
    summary = bench.csv("vin,t,volt,amp\n" + "\n".join(lines) + "\n", profile=profile)
    assert (summary.rows_read, summary.rows_imported, summary.duplicates) == (101, 98, 1)
    assert bench.letters("row", "reason") == [(52, "number"), (72, "row")]
    seconds = [row[0].timestamp() - 1_700_000_000 for row in bench.samples("sample_time")]
    assert seconds == [i for i in range(100) if i not in (50, 70)]


def test_progress_grows_to_the_whole(bench: Bench) -> None:
    (bench.folder / "a.csv").write_text(CSV)
    (bench.folder / "b.csv").write_text(CSV.replace("2025", "2024"))
    steps: list[ImportProgress] = []
    bench.run(bench.folder, progress=steps.append)
    done = [step.bytes_done for step in steps]
    assert done == sorted(done)
    assert (steps[-1].files_done, steps[-1].files_total) == (2, 2)
    assert steps[-1].bytes_done == steps[-1].bytes_total == 2 * len(CSV)


def test_hidden_files_and_excluded_folders_are_left_out(bench: Bench) -> None:
    for name in ("x/a.CSV", ".hidden/b.csv", "home/c.csv", ".d.csv", "notes.txt"):
        path = bench.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("x")
    found = find_files(bench.folder, shipped_profile("twinpack"), [bench.folder / "home"])
    assert [path.name for path in found] == ["a.CSV"]


def test_the_pack_may_come_from_the_option_the_profile_or_the_file(bench: Bench) -> None:
    own = {"vehicle_id": ["v"], "sample_time": ["2025-01-01T00:00:00Z"], "pack_voltage_v": [380.0]}
    table = pa.table(own)
    pq.write_table(table, bench.folder / "a.parquet")
    with pytest.raises(ProfileError, match="--pack"):
        import_path(bench.folder / "a.parquet", shipped_profile("twinpack"), bench.log, bench.dead)
    named = table.replace_schema_metadata({"twinpack.pack": "lfp_104s"})
    pq.write_table(named, bench.folder / "a.parquet")
    import_path(bench.folder / "a.parquet", shipped_profile("twinpack"), bench.log, bench.dead)
    assert json.loads(bench.rows().column("command")[0].as_py())["pack"] == "lfp_104s"


def test_profiles_and_packs_are_found_by_name_or_file(tmp_path: Path) -> None:
    assert find_profile("bdf").name == "bdf"
    (tmp_path / "mine.toml").write_text(ELAPSED)
    assert find_profile(str(tmp_path / "mine.toml")).name == "elapsed"
    with pytest.raises(ProfileError, match=r"bdf, bmw_i3, .*, twinpack"):
        find_profile("nonsense")
    assert find_pack("lfp_104s") == "lfp_104s"
    with pytest.raises(NotFoundError, match="lfp_104s"):
        find_pack("nonsense")


def test_a_file_that_changes_while_it_is_read_is_refused(bench: Bench) -> None:
    path = bench.folder / "a.csv"
    path.write_text(CSV)

    def touch(_step: ImportProgress) -> None:
        os.utime(path, ns=(1, 1))

    with pytest.raises(ImportFileError, match="changed while it was read"):
        bench.run(path, progress=touch)
    assert bench.log.end_offset == 0


def test_the_lg_and_i3_profiles_keep_the_sign_and_scale(bench: Bench) -> None:
    i3 = {"time_s": [0.0, 0.1], "pack_voltage_V": [390.0, 389.0], "pack_current_A": [-5.0, 3.0]}
    pq.write_table(
        pa.table(i3 | {"batt_temp_C": [20.0, 20.0], "soc_bms_pct": [80.0, None]}), bench.folder / "i.parquet"
    )
    lg = {"time_s": [0.0], "voltage_V": [4.1], "current_A": [-3.0], "temp_C": [25.0], "soc_ref": [0.5]}
    pq.write_table(pa.table(lg), bench.folder / "l.parquet")
    import_path(bench.folder / "i.parquet", shipped_profile("bmw_i3"), bench.log, bench.dead)
    import_path(bench.folder / "l.parquet", shipped_profile("lg_hg2"), bench.log, bench.dead)
    assert bench.samples("vehicle_id", "pack_current_a", "soc_pct") == [
        ["i3", -5.0, 80.0],
        ["i3", 3.0, None],
        ["lg-hg2", -3.0, 50.0],
    ]


def test_rows_that_are_in_the_log_already_are_found_again_in_another_file(bench: Bench) -> None:
    bench.csv(CSV)
    again = bench.csv(CSV.replace(",379,-12,", ",370,-12,") + "car-1,2025-01-01T00:00:01Z,378,-9,\n", "b.csv")
    assert (again.duplicates, again.rejected, again.rows_imported, again.late) == (2, {"conflict": 1}, 1, 1)
    assert bench.letters("file", "row", "reason") == [("b.csv", 3, "conflict")]
    assert len(bench.samples("vehicle_id")) == 4


def test_a_file_of_rows_that_are_all_there_adds_nothing_and_is_no_mistake(bench: Bench) -> None:
    bench.csv(CSV)
    end = bench.log.end_offset
    again = bench.csv(CSV + "\n", "b.csv")
    assert (again.count("imported"), again.duplicates, again.rows_imported) == (1, 3, 0)
    assert bench.log.end_offset == end


def test_rows_that_arrived_live_are_found_again_in_a_file(bench: Bench) -> None:
    from tests.ingest.log.logs import opened, samples

    with opened(bench.log.directory) as live:
        live.append(samples([1_735_689_600], "car-1", volt=380.0))
        summary = bench.csv("vin,t,volt,amp\ncar-1,2025-01-01T00:00:00Z,380,\ncar-1,2025-01-01T00:00:01Z,380,\n")
        assert (summary.duplicates, summary.rows_imported) == (1, 1)
        assert [len(newest) for newest in live.imported()] == [1]
        assert live.end_offset == 3  # the tick too
        live.seal()
        assert len(bench.samples("vehicle_id")) == 2


@pytest.mark.parametrize("seal", [False, True])
def test_rows_that_arrive_live_while_their_file_is_read_are_found(bench: Bench, seal: bool) -> None:
    from tests.ingest.log.logs import opened, samples

    path = bench.folder / "a.csv"
    path.write_text("vin,t,volt,amp\ncar-1,2025-01-01T00:00:00Z,380,\ncar-1,2025-01-01T00:00:01Z,380,\n")
    with opened(bench.log.directory) as live:
        second = iter([1_735_689_600, 1_735_689_601, 1_735_689_602])

        def arrive(_step: ImportProgress) -> None:
            if live.end_offset < 2:
                live.append(samples([next(second)], "car-1", volt=380.0))
                if seal:
                    live.seal()

        summary = bench.run(path, progress=arrive)
        assert (summary.duplicates, summary.rows_imported) == (2, 0)
        live.append(samples([1_735_689_603]))
    times = [row[0].second for row in bench.samples("sample_time")]
    assert times == [0, 1, 3]
