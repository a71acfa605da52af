"""What another rule set would have raised, on small logs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.runtime.segments import samples, write
from tests.runtime.workspaces import with_settings
from twinpack.errors import InputError, NotFoundError, RulesError
from twinpack.fleet.commands import clear_codes_command, register_rows, rules_command
from twinpack.ingest.log import SegmentLog
from twinpack.ingest.log.tidy import retain
from twinpack.runtime.backtest import CodeOutcome, RulesBacktest, backtest_rules
from twinpack.runtime.orders import append_command
from twinpack.runtime.rules import rules_in_use
from twinpack.runtime.run import run
from twinpack.store.workspace import Workspace

START_US = 1_600_000_000_000_000
HOUR_US = 3_600_000_000
S_US = 1_000_000
CARS = ("car-1", "car-2")
HOT = """
[[rule]]
code = "TP-HOT"
name = "Too hot"
description = "The hottest cell is too hot."
condition = "temp_max_c > limit.highest_c"
limits = {{ highest_c = {highest_c} }}
debounce_s = {debounce_s}
severity = 3
"""
LOW = """
[[rule]]
code = "TP-LOW"
name = "Nearly empty"
description = "There is little charge left."
condition = "soc_pct < 10"
debounce_s = 5
severity = 3
"""


def hot(highest_c: float, debounce_s: float = 20.0) -> str:
    return HOT.format(highest_c=highest_c, debounce_s=debounce_s)


def drive(vehicle: str, hours: float, temperatures: list[float], soc_pct: float = 50.0) -> Any:
    """A sample each ten seconds from an hour on."""
    times = [START_US + round(hours * HOUR_US) + 10 * S_US * at for at in range(len(temperatures))]
    return samples(
        vehicle,
        times,
        cell_temp_avg_c=25.0,
        cell_temp_max_c=temperatures,
        pack_voltage_v=360.0,
        pack_current_a=-30.0,
        speed_kmh=40.0,
        soc_pct=soc_pct,
    )


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """Car 1 has 65 °C for a minute in hour 1 and again in hour 3, car 2 has 55 °C in hour 2."""
    workspace = Workspace.open(tmp_path / "home")
    calm, warm, hottest = [30.0] * 12, [55.0] * 6, [65.0] * 6
    write(
        workspace.home,
        register_rows(dict.fromkeys(CARS, "sim_nmc_96s"), START_US),
        drive("car-1", 1, calm + hottest + calm),
        drive("car-2", 2, calm + warm + calm),
        drive("car-1", 3, calm + hottest + calm),
        drive("car-2", 4, calm),
    )
    use(workspace, hot(60))
    return workspace


def use(workspace: Workspace, text: str) -> None:
    append_command(SegmentLog(workspace.log_dir), "", rules_command(text, "ada", "tried"), "rules")


def only(report: RulesBacktest) -> CodeOutcome:
    (one,) = report.codes
    return one


def tree(folder: Path) -> Mapping[str, str]:
    """Every file of a workspace and its content."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_both_rule_sets_are_told_side_by_side(workspace: Workspace) -> None:
    one = only(backtest_rules(workspace, hot(50), "new.toml"))
    assert (one.code, one.name, one.differs) == ("TP-HOT", "Too hot", True)
    assert one.present is not None and one.changed is not None
    first = START_US + HOUR_US + 140 * S_US  # twenty seconds after the first hot sample
    assert (one.present.count, one.present.vehicles, one.present.first_us) == (2, ("car-1",), first)
    assert (one.changed.count, one.changed.vehicles, one.changed.first_us) == (3, CARS, first)
    same = only(backtest_rules(workspace, hot(60), "new.toml"))
    assert same.present == same.changed == one.present
    assert not same.differs
    longer = only(backtest_rules(workspace, hot(60, 120.0), "new.toml"))
    assert longer.changed is not None and longer.changed.count == 0


def test_the_present_rules_raise_what_a_run_recorded(workspace: Workspace) -> None:
    fresh = Workspace.open(workspace.home.parent / "fresh")
    calm, hottest = [30.0] * 12, [65.0] * 6
    parts = [drive("car-1", 1, calm + hottest + calm), drive("car-2", 2, calm + [75.0] * 6), drive("car-1", 3, calm)]
    write(fresh.home, register_rows(dict.fromkeys(CARS, "sim_nmc_96s"), START_US), *parts)
    run(fresh, without_model=True)
    with fresh.registry() as registry:
        found = registry.alarms.findings_of_rows(0, registry.offset())
        recorded = [one for one in found if one.change == "raised" and not one.subject]
        text = rules_in_use(registry, SegmentLog(fresh.log_dir))
    counted = {code: sum(one.code == code for one in recorded) for code in {one.code for one in recorded}}
    assert counted.get("P0A7E") == 2
    report = backtest_rules(fresh, text, "present")
    assert {one.code: one.present.count for one in report.codes if one.present and one.present.count} == counted
    assert not report.differs


@pytest.mark.parametrize("rows", [1, 7, 40])
def test_batches_make_no_difference(workspace: Workspace, rows: int) -> None:
    whole = backtest_rules(workspace, hot(50), "new.toml", vehicle="car-1")
    small = with_settings(workspace, "runtime", batch_rows=rows)
    assert backtest_rules(small, hot(50), "new.toml", vehicle="car-1") == whole


def test_a_window_tells_only_what_was_raised_in_it(workspace: Workspace) -> None:
    def within(first_h: float, end_h: float) -> tuple[int, int]:
        first, end = (START_US + round(hour * HOUR_US) for hour in (first_h, end_h))
        one = only(backtest_rules(workspace, hot(50), "new.toml", first, end))
        assert one.present is not None and one.changed is not None
        return one.present.count, one.changed.count

    assert within(0, 5) == (2, 3)
    assert within(2.5, 5) == (1, 1)
    assert within(1.5, 2.5) == (0, 1)
    raised = START_US + HOUR_US + 140 * S_US
    for first, end, count in ((raised, raised + 1, 1), (raised - 1, raised, 0), (raised + 1, raised + 2, 0)):
        one = only(backtest_rules(workspace, hot(60), "new.toml", first, end))
        assert one.present is not None and one.present.count == count


def test_each_time_is_told_for_a_vehicle_asked_for(workspace: Workspace) -> None:
    report = backtest_rules(workspace, hot(60) + LOW, "new.toml", vehicle="car-1")
    assert [(one.by, one.code, one.severity) for one in report.vehicle] == [("both", "TP-HOT", 3)] * 2
    assert report.vehicle[0].since_us == START_US + HOUR_US + 120 * S_US
    assert "65" in report.vehicle[0].text
    (alone,) = backtest_rules(workspace, hot(50), "new.toml", vehicle="car-2").vehicle
    assert (alone.by, alone.time_us - alone.since_us) == ("changed", 20 * S_US)
    later = backtest_rules(workspace, hot(60, 30.0), "new.toml", vehicle="car-1").vehicle
    assert [one.by for one in later] == ["present", "changed"] * 2


def test_a_rule_that_one_set_has_alone_is_told_so(workspace: Workspace) -> None:
    codes = {one.code: one for one in backtest_rules(workspace, LOW, "new.toml").codes}
    assert list(codes) == ["TP-LOW", "TP-HOT"]
    assert codes["TP-LOW"].present is None and codes["TP-HOT"].changed is None
    assert codes["TP-LOW"].differs and codes["TP-HOT"].differs


def test_the_present_rules_are_those_set_last_and_hold_from_the_beginning(workspace: Workspace) -> None:
    use(workspace, hot(70))
    use(workspace, "[[rule]]\ncode = 5")  # with mistakes: the fold does not take it
    one = only(backtest_rules(workspace, hot(50), "new.toml"))
    assert one.present is not None and one.present.count == 0
    assert one.changed is not None and one.changed.count == 3, "rule sets in the log do not touch the changed one"


def test_a_workspace_without_rules_of_its_own_has_the_shipped_ones(tmp_path: Path) -> None:
    workspace = Workspace.open(tmp_path / "home")
    write(workspace.home, register_rows({"car-1": "sim_nmc_96s"}, START_US), drive("car-1", 1, [75.0] * 12))
    codes = {one.code: one for one in backtest_rules(workspace, hot(60), "new.toml").codes}
    assert len(codes) > 20
    assert codes["P0A7E"].present is not None and codes["P0A7E"].present.count == 1
    assert any("twins' health" in note for note in backtest_rules(workspace, shipped(), "new.toml").notes)


def shipped() -> str:
    from twinpack.detect.rules import shipped_rules

    return shipped_rules()


def test_codes_that_people_cleared_are_cleared_for_both(tmp_path: Path) -> None:
    workspace = Workspace.open(tmp_path / "home")
    write(workspace.home, register_rows({"car-1": "sim_nmc_96s"}, START_US), drive("car-1", 1, [65.0] * 12))
    append_command(SegmentLog(workspace.log_dir), "car-1", clear_codes_command("car-1", None, "ada", "fixed"), "x")
    write(workspace.home, drive("car-1", 1 + 120 / 3600, [65.0] * 12))
    use(workspace, hot(60))
    one = only(backtest_rules(workspace, hot(61), "new.toml"))
    assert one.present is not None and one.present == one.changed
    assert one.present.count == 2, "it stayed hot, so it came again after it was cleared"


def test_retired_rows_are_told_and_their_vehicles_stay_known(workspace: Workspace) -> None:
    log = SegmentLog(workspace.log_dir)
    third = [segment for segment in log.segments() if segment.has_samples][2]
    retain(log, third.first_offset, older_than_us=2**62)
    assert log.start_offset == third.first_offset
    report = backtest_rules(workspace, hot(50), "new.toml", START_US, vehicle="car-1")
    one = only(report)
    assert one.present is not None and (one.present.count, one.present.vehicles) == (1, ("car-1",))
    assert report.first_offset == third.first_offset
    (note,) = report.notes
    assert f"rows before {third.first_offset} were retired" in note and "2020-09-13 15:26:40" in note
    assert "nothing is told of the time before" in note
    with pytest.raises(InputError, match=r"no sample from .* the log holds samples from 2020-09-13 15:26:40 to"):
        backtest_rules(workspace, hot(50), "new.toml", START_US, START_US + HOUR_US)


def test_nothing_in_the_workspace_changes(workspace: Workspace) -> None:
    with workspace.registry():
        pass
    before = tree(workspace.home)
    backtest_rules(workspace, hot(50), "new.toml", vehicle="car-1")
    assert tree(workspace.home) == before


def test_it_says_how_far_it_is(workspace: Workspace) -> None:
    told: list[tuple[int, int]] = []
    small = replace(
        workspace, settings=replace(workspace.settings, runtime=replace(workspace.settings.runtime, batch_rows=50))
    )
    report = backtest_rules(small, hot(50), "new.toml", tell=lambda done, total: told.append((done, total)))
    rows = report.end_offset - report.first_offset
    assert told == [(min(50 * part, rows), rows) for part in range(1, len(told) + 1)]
    assert told[-1] == (rows, rows)


def test_bad_use_is_named(workspace: Workspace, tmp_path: Path) -> None:
    two = hot(60).replace("severity = 3", "severity = 9") + LOW.replace("soc_pct < 10", "soc_pct <")
    with pytest.raises(RulesError) as caught:
        backtest_rules(workspace, two, "new.toml")
    assert len(str(caught.value).split("\n")) == 2
    assert "TP-HOT" in str(caught.value) and "TP-LOW" in str(caught.value)
    with pytest.raises(NotFoundError, match="no vehicle 'car-9' in the log"):
        backtest_rules(workspace, hot(60), "new.toml", vehicle="car-9")
    with pytest.raises(InputError, match="--to 2020-09-13 12:26:40 is not after --from 2020-09-13 12:26:41"):
        backtest_rules(workspace, hot(60), "new.toml", START_US + S_US, START_US)
    with pytest.raises(InputError, match="the log holds samples from 2020-09-13 13:26:40 to 2020-09-13 16:28:30"):
        backtest_rules(workspace, hot(60), "new.toml", START_US + 30 * HOUR_US)
    with pytest.raises(NotFoundError, match="nothing to test on"):
        backtest_rules(Workspace.open(tmp_path / "empty"), hot(60), "new.toml")
