"""`twinpack whatif` as users type it, on a fleet that lived."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.servers.small_fleet import VEHICLES, pristine_fleet
from twinpack.cli.main import main
from twinpack.forecast.scenario_file import TEMPLATE, read_scenarios
from twinpack.runtime.ageing import learn_ageing_of
from twinpack.store.workspace import Workspace

__all__ = ["pristine_fleet"]

VEHICLE = "SIM-0004"


@pytest.fixture(scope="module")
def home(pristine_fleet: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = Path(shutil.copytree(pristine_fleet, tmp_path_factory.mktemp("whatif") / "fleet"))
    learn_ageing_of(Workspace.open(folder, create=False))
    return folder


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "scenarios.toml"
    path.write_text(
        '[[scenario]]\nname = "Gentle"\ncharge_to_pct = 70\n\n'
        '[[scenario]]\nname = "Haul"\ndistance_x = 2\nload_kg = 400\n'
        "[[scenario.trip]]\ndistance_km = 150\nspeed_kmh = 100\n"
    )
    return path


def test_the_template_is_a_file_that_can_be_used(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["whatif", "template"]) == 0
    printed = capsys.readouterr().out
    assert printed == TEMPLATE
    assert [one.name for one in read_scenarios(printed, "template")] == ["Charge to 80 %", "Slow and cool", "Long haul"]


def test_every_line_of_the_template_can_be_used() -> None:
    text = TEMPLATE.replace("\n# charge", "\ncharge").replace("\n# parked", "\nparked").replace("\n# clim", "\nclim")
    assert len(read_scenarios(text.replace("\n# ambient", "\nambient"), "template")) == 3
    other = TEMPLATE.replace("distance_x = 2 ", "").replace("# yearly_km", "yearly_km")
    assert read_scenarios(other, "template")[2].yearly_km == 32_000.0


def test_it_tells_a_vehicle_with_picture_and_files(
    home: Path, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["whatif", VEHICLE, "--scenario", str(file), "--home", str(home)]
    picture, out = tmp_path / "new" / "picture.png", tmp_path / "new" / "result.json"
    assert main([*arguments, "--picture", str(picture), "--out", str(out)]) == 0
    told = capsys.readouterr().out
    for words in ("A  Gentle", "B  Haul", "80 % reached in years", "usual warranty, 8 years", "kWh/100 km"):
        assert words in told
    assert "less the baseline" in told and "health in 5 y, pts" in told and "lowest voltage, V" in told
    assert "150 km at 100 km/h" in told
    assert "note: B leads beyond what was learned: full cycles a day" in told
    assert f"drawn {picture}" in told and f"written {out}" in told
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert main([*arguments, "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert json.loads(out.read_text()) == printed
    assert printed["vehicle"] == VEHICLE
    assert printed["scenarios"][0]["changes"] == {"charge_to": 0.7}
    assert printed["scenarios"][0]["delta"]["health_pts"]["5y"]["p5"] > 0
    assert len(printed["baseline"]["months"]) == len(printed["baseline"]["monthly_pct"]["p50"]) == 241


def test_it_tells_a_fleet_with_picture_and_files(
    home: Path, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["whatif", "--all", "--scenario", str(file), "--home", str(home)]
    picture, out = tmp_path / "fleet.png", tmp_path / "fleet.json"
    assert main([*arguments, "--picture", str(picture), "--out", str(out)]) == 0
    captured = capsys.readouterr()
    assert f"{VEHICLES} of {VEHICLES} vehicles, 5 years from now" in captured.out
    assert "Gentle: most helped" in captured.out and "Haul: most harmed" in captured.out
    assert f"asking what if: {VEHICLES} of {VEHICLES}" in captured.err
    assert picture.read_bytes().startswith(b"\x89PNG")
    told = json.loads(out.read_text())
    assert (told["asked"], told["told"], told["left_out"]) == (VEHICLES, VEHICLES, [])
    assert len(told["vehicles"]) == 2 * VEHICLES
    assert told["scenarios"][1]["harmed"] >= VEHICLES - 1
    assert main([*arguments[:1], "--pack", "sim_nmc_96s", *arguments[2:], "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == told


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "name a vehicle, or ask for many with --fleet, --pack or --all"),
        ([VEHICLE], "give a file of scenarios with --scenario; `twinpack whatif template`"),
        ([VEHICLE, "--all"], "--all asks for many vehicles: leave it out, or the vehicle"),
        ([VEHICLE, "--pack", "x", "--fleet", "y"], "--fleet and --pack asks for many vehicles"),
        (["--all", "--pack", "sim_nmc_96s"], "--all asks for every vehicle"),
        (["--all", "--model", "abc"], "--model chooses the ageing model of one vehicle"),
    ],
)
def test_what_does_not_go_together_is_refused(
    home: Path, arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["whatif", *arguments, "--home", str(home)]) == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["SIM-9999"], "there is no vehicle 'SIM-9999'"),
        (["--fleet", "nowhere"], "'nowhere'"),
        (["--pack", "nothing"], "there is no pack 'nothing'"),
        (["--pack", "lfp_104s"], "no vehicle of pack 'lfp_104s'"),
        ([VEHICLE, "--model", "ffff"], "'ffff' names no ageing model"),
    ],
)
def test_what_is_not_there_is_said(
    home: Path, file: Path, arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["whatif", *arguments, "--scenario", str(file), "--home", str(home)]) == 2
    assert words in capsys.readouterr().err


def test_a_mistake_in_a_file_is_told_on_one_line(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "bad.toml"
    file.write_text('[[scenario]]\nname = "Gentle"\ncharge_to = 70\n')
    assert main(["whatif", VEHICLE, "--scenario", str(file), "--home", str(home)]) == 2
    said = capsys.readouterr().err.strip()
    assert "bad.toml, scenario 1 (Gentle): unknown key 'charge_to' (did you mean 'charge_to_pct'?)" in said
    assert "\n" not in said


def test_a_file_that_cannot_be_written_is_said(
    home: Path, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for option in ("--out", "--picture"):
        assert main(["whatif", VEHICLE, "--scenario", str(file), option, str(tmp_path), "--home", str(home)]) == 2
        assert "is a folder: name a file to write" in capsys.readouterr().err


def test_without_a_twin_health_is_told_and_drawn_all_the_same(
    home: Path, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("twinpack.runtime.whatif.twin_battery", lambda *_: (None, "there is no twin yet"))
    picture = tmp_path / "picture.png"
    assert main(["whatif", VEHICLE, "--scenario", str(file), "--home", str(home), "--picture", str(picture)]) == 0
    told = capsys.readouterr().out
    assert "note: no trip and no range: there is no twin yet" in told
    assert "health in 5 y, pts" in told and "lowest V" not in told and "full charge" not in told
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_vehicle_that_never_sent_anything_is_said(
    home: Path, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = shutil.copytree(home, tmp_path / "own")
    assert main(["fleet", "add", "NEW-1", "--pack", "sim_nmc_96s", "--home", str(own)]) == 0
    assert main(["whatif", "NEW-1", "--scenario", str(file), "--home", str(own)]) == 2
    assert "nothing was ever seen of vehicle 'NEW-1'" in capsys.readouterr().err
