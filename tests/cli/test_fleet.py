"""`twinpack fleet`: what people enter, and what a list shows of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from twinpack.battery.pack import pack_text
from twinpack.cli.main import main
from twinpack.ingest.log import SegmentLog
from twinpack.store.records import VehicleRecord
from twinpack.store.registry import MAIN_STREAM
from twinpack.store.workspace import Workspace

PACK = "sim_nmc_96s"


class Shell:
    """Runs commands on one workspace."""

    def __init__(self, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.home = home
        self._capsys = capsys

    def run(self, *arguments: str) -> tuple[int, str, str]:
        code = main([*arguments, "--home", str(self.home)])
        told = self._capsys.readouterr()
        return code, told.out, told.err

    def json(self, *arguments: str) -> Any:
        code, out, err = self.run(*arguments, "--json")
        assert code == 0, err
        return json.loads(out)

    def vehicles(self, *arguments: str) -> list[str]:
        return [row["vehicle"] for row in self.json("fleet", "list", *arguments)["vehicles"]]

    def commands(self) -> list[dict[str, Any]]:
        return [json.loads(text) for text in SegmentLog(self.home / "log").commands()]


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(tmp_path / "home", capsys)


def csv_file(shell: Shell, *lines: str) -> str:
    path = shell.home.parent / "fleet.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


def test_a_vehicle_is_entered_listed_and_registered_in_the_log(shell: Shell) -> None:
    assert shell.run("fleet", "create", "north", "--pack", PACK)[0] == 0
    options = ("--label", "Anna", "--vin", "WVWZZZ1KZAW123456", "--model-year", "2021", "--climate", "cold")
    code, out, _ = shell.run("fleet", "add", "car-1", "--fleet", "north", *options)
    assert (code, out) == (0, f"car-1 entered in fleet north with pack {PACK}\n")
    (row,) = shell.json("fleet", "list")["vehicles"]
    assert {key: row[key] for key in ("vehicle", "fleet", "pack", "label", "model_year", "climate", "vin")} == {
        "vehicle": "car-1",
        "fleet": "north",
        "pack": PACK,
        "label": "Anna",
        "model_year": 2021,
        "climate": "cold",
        "vin": "WVWZZZ1KZAW123456",
    }
    assert (row["last_seen"], row["soc_pct"], row["late_samples"]) == (None, None, 0)
    assert shell.commands() == [{"type": "register", "vehicle": "car-1", "pack": PACK}]


def test_a_vehicle_with_a_pack_of_ones_own(shell: Shell, tmp_path: Path) -> None:
    text = pack_text(PACK).replace(f'name = "{PACK}"', 'name = "own"')
    (tmp_path / "own.toml").write_text(text, encoding="utf-8")
    assert shell.json("fleet", "add-pack", str(tmp_path / "own.toml"))["name"] == "own"
    assert [pack["name"] for pack in shell.json("fleet", "packs")["packs"] if not pack["shipped"]] == ["own"]
    assert shell.run("fleet", "packs")[1].count("added") == 1
    assert shell.json("fleet", "add", "car-1", "--pack", "own")["pack"] == "own"
    assert shell.commands()[0]["pack"] == text, "the fold knows no registry: it is given the specification"


def test_a_list_shows_how_vehicles_were_last_seen(shell: Shell) -> None:
    shell.json("fleet", "add", "car-1", "--pack", PACK)
    latest = {"last_seen_us": 1_700_000_000_000_000, "soc": 0.425, "late_samples": 3, "repeated_samples": 1}
    with Workspace.open(shell.home).registry() as registry:
        met = [VehicleRecord(name, PACK, "a" * 64, 0) for name in ("car-1", "car-2")]
        registry.commit_batch(MAIN_STREAM, 0, 1, [], {"car-1": latest}, met)
    first, second = shell.json("fleet", "list")["vehicles"]
    assert (first["soc_pct"], first["late_samples"], first["repeated_samples"]) == (42.5, 3, 1)
    assert first["last_seen"].startswith("2023-11-14T22:13:20")
    assert (second["vehicle"], second["fleet"], second["entered"]) == ("car-2", "default", None)
    code, out, _ = shell.run("fleet", "list")
    assert code == 0
    assert "2023-11-14 22:13:20" in out and "2 vehicles" in out


def test_ten_thousand_vehicles_are_entered_and_listed(shell: Shell) -> None:
    path = csv_file(shell, "vehicle,pack", *(f"car-{number:05},{PACK}" for number in range(10_000)))
    assert shell.json("fleet", "import", path)["entered"] == 10_000
    code, out, _ = shell.run("fleet", "list")
    assert (code, len(out.splitlines())) == (0, 10_003)
    assert len(shell.commands()) == 10_000


def test_every_bad_line_of_a_file_is_told_and_nothing_is_entered(shell: Shell) -> None:
    shell.json("fleet", "add", "car-1", "--pack", PACK)
    path = csv_file(
        shell,
        "vehicle,fleet,pack,model_year,notes",
        f'car-2,,{PACK},2020,"two',
        'lines"',
        f"car-1,,{PACK},,",
        f"car 3,,{PACK},,",
        "",
        f"car-4,nowhere,{PACK},,",
        f"car-5,,{PACK},MMXX,",
        "car-6,,nope,,",
        f"car-7,,{PACK}",
    )
    code, out, err = shell.run("fleet", "import", path)
    assert (code, out) == (2, "")
    told = err.splitlines()
    assert [line.split(": ")[0].rpartition(":")[2] for line in told[:-1]] == ["4", "5", "7", "8", "9", "10"]
    for line, what in zip(
        told,
        (
            "entered before",
            "'car 3' is not allowed",
            "no fleet 'nowhere'",
            "'MMXX'",
            "no pack 'nope'",
            "3 values under",
        ),
        strict=False,
    ):
        assert what in line
    assert "6 lines wrong, see above; nothing was entered" in told[-1]
    assert shell.vehicles() == ["car-1"]
    assert len(shell.commands()) == 1


def test_a_file_is_entered_whole(shell: Shell) -> None:
    shell.run("fleet", "create", "north", "--pack", PACK)
    path = csv_file(shell, "\ufeffvehicle, fleet ,label,vin", "car-2,north,Bert,", "car-1,north,,WVWZZZ1KZAW123456")
    assert shell.run("fleet", "import", path)[1] == "2 vehicles entered\n"
    assert shell.vehicles("--fleet", "north") == ["car-1", "car-2"]
    assert shell.vehicles("--fleet", "default") == []
    assert shell.run("fleet", "import", path)[0] == 2, "a second time they are there"


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", ":1: the header has no column 'vehicle'"),
        (b"name,pack\n", ":1: the header has no column 'vehicle'"),
        (b"vehicle,colour\n", ":1: unknown column 'colour'"),
        (b"vehicle,pack,pack\n", ":1: column 'pack' stands there twice"),
        (b'vehicle\ncar-1\n"car-2\n', ":3: is not CSV"),
        (b"vehicle,label\ncar-1,\xff\n", "is not text in UTF-8"),
        (None, "No such file"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(shell: Shell, content: bytes | None, what: str) -> None:
    path = shell.home.parent / "fleet.csv"
    if content is not None:
        path.write_bytes(content)
    code, _, err = shell.run("fleet", "import", str(path))
    assert code == 2
    assert what in err
    assert not shell.home.exists(), "a file that is no good begins no workspace"


def test_a_header_alone_enters_nothing(shell: Shell) -> None:
    assert shell.run("fleet", "import", csv_file(shell, "vehicle,pack"))[:2] == (0, "0 vehicles entered\n")


def test_what_is_said_changes(shell: Shell) -> None:
    shell.json("fleet", "add", "car-1", "--pack", PACK, "--label", "Anna", "--model-year", "2020")
    shell.run("fleet", "create", "north")
    assert shell.run("fleet", "edit", "car-1", "--fleet", "north", "--label", "")[1] == "car-1: fleet, label changed\n"
    changed = shell.json("fleet", "edit", "car-1", "--model-year", "0", "--notes", "hail")
    assert (changed["fleet"], changed["label"], changed["model_year"], changed["notes"]) == ("north", "", None, "hail")
    code, _, err = shell.run("fleet", "edit", "car-1")
    assert code == 2 and "nothing to change" in err


def test_a_pack_cannot_be_changed_and_the_refusal_says_what_to_do(shell: Shell) -> None:
    shell.json("fleet", "add", "car-1", "--pack", PACK)
    code, _, err = shell.run("fleet", "edit", "car-1", "--pack", "lfp_104s")
    assert code == 2
    assert f"keeps pack '{PACK}': its twin is made with it. Retire it" in err


def test_a_retired_vehicle_is_listed_on_request(shell: Shell) -> None:
    shell.json("fleet", "add", "car-1", "--pack", PACK)
    assert shell.json("fleet", "edit", "car-1", "--retire")["retired"] is True
    assert shell.vehicles() == []
    assert shell.vehicles("--retired") == ["car-1"]
    assert "car-1 (retired)" in shell.run("fleet", "list", "--retired")[1]
    assert shell.json("fleet", "edit", "car-1", "--return")["retired"] is False
    assert shell.vehicles() == ["car-1"]


def test_fleets_are_listed_with_their_vehicles(shell: Shell) -> None:
    shell.run("fleet", "create", "north", "--pack", PACK, "--notes", "the cold ones")
    for name in ("car-1", "car-2"):
        shell.json("fleet", "add", name, "--fleet", "north")
    shell.json("fleet", "edit", "car-2", "--retire")
    assert [(one["name"], one["vehicles"]) for one in shell.json("fleet", "fleets")["fleets"]] == [
        ("default", 0),
        ("north", 1),
    ]
    assert "the cold ones" in shell.run("fleet", "fleets")[1]


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (("fleet", "add", "a/b", "--pack", PACK), "vehicle id 'a/b' is not allowed"),
        (("fleet", "add", "car-1"), "no pack, and fleet 'default' has no default pack"),
        (("fleet", "add", "car-1", "--pack", "nope"), "`twinpack fleet packs` lists them"),
        (("fleet", "add", "car-1", "--pack", PACK, "--fleet", "south"), "`twinpack fleet create south` makes it"),
        (("fleet", "create", "a/b"), "fleet name 'a/b' is not allowed"),
        (("fleet", "list", "--fleet", "south"), "there is no fleet 'south'"),
        (("fleet", "add-pack", "nowhere.toml"), "nowhere.toml: cannot be read"),
    ],
)
def test_what_cannot_be_done_says_why(shell: Shell, arguments: Sequence[str], what: str) -> None:
    Workspace.open(shell.home)
    code, out, err = shell.run(*arguments)
    assert (code, out) == (2, "")
    assert what in err
    assert err.count("\n") == 1
    assert shell.commands() == []


def test_an_empty_list_says_what_to_do(shell: Shell) -> None:
    code, _, err = shell.run("fleet", "list")
    assert code == 2 and "there is no workspace" in err
    Workspace.open(shell.home)
    assert "fleet add VEHICLE --pack NAME" in shell.run("fleet", "list")[1]
