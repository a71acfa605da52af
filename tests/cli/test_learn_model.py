"""`twinpack learn model` as users type it: the card for people, as JSON, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from tests.runtime.workspaces import begin, bring_file
from tests.twin.garage import PACK, healthy
from twinpack.cli.main import main
from twinpack.store.workspace import Workspace


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three drives of one vehicle, no model."""
    return begin(tmp_path_factory.mktemp("learn") / "home", healthy("car-1", 3), model=False).home


def test_the_card_is_shown_and_printed_and_kept(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["learn", "model", "--kind", "thevenin-1rc", "--home", str(home)]
    assert main(arguments) == 0
    captured = capsys.readouterr()
    assert f"thevenin-1rc for {PACK} from 3 trips of 1 vehicle\n" in captured.out
    assert "recalibration over" in captured.out and "% charge" in captured.out and "°C" in captured.out
    assert "thin: 1 vehicle: how far others lie from them is a guess\n" in captured.out
    assert "reading the log" in captured.err and "fitting: 3 of 3" in captured.err
    assert main([*arguments, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["data"]["sessions"] == 3 and len(told["data"]["fingerprint"]) == 64 and told["parent"] == ""
    with Workspace.open(home, create=False).registry() as registry:
        (record,) = registry.models(PACK)
    assert record.hash == told["model_hash"] and record.card == {k: v for k, v in told.items() if k != "model_hash"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--trips", "first:1"], "1 trip of pack sim_nmc_96s with 30 measured steps, and 2 are the least"),
        (["--kind", "route"], "no route of pack sim_nmc_96s can be learned from"),
        (["--pack", "lfp_104s"], "no vehicle of pack 'lfp_104s' here; there are sim_nmc_96s"),
        (["--trips", "3"], "'3' is not of the form first:N"),
    ],
)
def test_what_cannot_be_learned_from_is_refused(
    home: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    assert main(["learn", "model", *arguments, "--home", str(home)]) == 2
    assert words in capsys.readouterr().err


def test_a_signal_that_is_nowhere_is_named_with_its_vehicles(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace = Workspace.open(tmp_path / "home")
    table = healthy("car-1", 2).table()
    at = table.schema.get_field_index("soc_pct")
    none = pc.if_else(pc.is_valid(table.column(at)), pa.scalar(None, table.schema.field(at).type), table.column(at))
    pq.write_table(table.set_column(at, "soc_pct", none), tmp_path / "silent.parquet")
    bring_file(workspace, tmp_path / "silent.parquet")
    assert main(["learn", "model", "--home", str(workspace.home)]) == 2
    error = capsys.readouterr().err
    assert "no trip of pack sim_nmc_96s can be learned from" in error
    assert "never told: soc_pct of car-1. Map the columns in the import profile" in error
