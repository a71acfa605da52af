"""The page about messages: its examples give the samples it shows, and its tables name what there is."""

from __future__ import annotations

import datetime as dt
import json
import re
from pathlib import Path
from typing import Any

import pytest

from twinpack.ingest import messages
from twinpack.ingest.messages import REJECT_REASONS, ROW_REASONS, decode, split_body
from twinpack.telemetry.schema import LIST_SIGNALS, SIGNALS
from twinpack.telemetry.validate import Validator

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "telemetry.md"
TEXT = PAGE.read_text("utf-8")
EXAMPLE = re.compile(r"<!-- (application/\S+) -->\n```\w+\n(.*?)```\n(.*?)\n((?:\|[^\n]*\n)+)", re.DOTALL)
EXAMPLES = EXAMPLE.findall(TEXT)


def table(text: str) -> list[dict[str, str]]:
    """The rows of a table, by the names of its columns."""
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.strip().splitlines()]
    return [dict(zip(lines[0], cells, strict=True)) for cells in lines[2:]]


def table_under(heading: str) -> list[dict[str, str]]:
    section = TEXT.split(f"\n{heading}\n", 1)[1].split("\n## ", 1)[0]
    match = re.search(r"(?:^\|.*\n)+", section, re.MULTILINE)
    assert match
    return table(match.group())


def value(name: str, cell: str) -> Any:
    if name == "sample_time":
        return dt.datetime.fromisoformat(cell).replace(tzinfo=dt.UTC)
    if name == "vehicle_id":
        return cell
    return json.loads(cell) if cell else None


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_an_example_gives_the_samples_that_the_page_shows(example: tuple[str, str, str, str]) -> None:
    content_type, text, _, shown = example
    body = bytes.fromhex(text) if content_type == "application/msgpack" else text.encode()
    decoded = decode(split_body(body, content_type))
    assert (decoded.rejected, decoded.readings.faults, decoded.unknown) == ([], [], {})
    checked = Validator().check(decoded.readings)
    assert checked.faults == []
    wanted = [{name: value(name, cell) for name, cell in row.items()} for row in table(shown)]
    found = checked.samples.to_pylist()
    assert len(found) == len(wanted)
    for sample, row in zip(found, wanted, strict=True):
        for name in LIST_SIGNALS:
            if name in row:
                assert sample.pop(name) == pytest.approx(row.pop(name))
        del sample["receipt_time"]
        assert {name: sample[name] for name in row} == row
        assert [name for name in sample if name not in row and sample[name] is not None] == []


def test_no_example_is_left_out() -> None:
    assert len(EXAMPLES) == TEXT.count("<!-- application/") == 6


def test_the_page_lists_every_signal() -> None:
    shown = {row["signal"].strip("`"): row for row in table_under("## Signals")}
    assert list(shown) == list(SIGNALS)
    for name, signal in SIGNALS.items():
        row = shown[name]
        assert row["unit"] == (signal.unit or "true, false")
        assert row["what"] == signal.meaning
        assert row["range"].replace(",", "") == f"{signal.minimum:.0f} to {signal.maximum:.0f}"
        assert row["VSS path, after `Vehicle.`"].strip("`") == signal.vss.removeprefix("Vehicle.")


def test_the_page_lists_every_reason() -> None:
    section = TEXT.split("\n## What is turned away\n", 1)[1].split("\n## ", 1)[0]
    whole, single = (table(found) for found in re.findall(r"(?:^\|.*\n)+", section, re.MULTILINE))
    named = [reason.strip("` ") for row in whole for reason in row["reason"].split(",")]
    assert named == list(REJECT_REASONS)
    assert {row["reason"].strip("`") for row in single} == set(ROW_REASONS)


def test_the_page_tells_the_limits() -> None:
    shown = [int(re.sub(r"\D", "", row["at most"].split("(")[0])) for row in table_under("## Limits")]
    assert shown == [
        messages.MAX_MESSAGE_BYTES,
        messages.MAX_SAMPLES,
        messages.MAX_CELLS,
        messages.MAX_FIELDS,
        messages.MAX_BODY_MESSAGES,
        messages.MAX_ARROW_ROWS,
    ]
