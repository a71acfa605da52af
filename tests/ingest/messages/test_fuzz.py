"""Whatever a message holds, it ends as samples or as a refusal with a reason, and nothing is thrown."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from itertools import islice

import numpy as np
import pytest

from tests.ingest.messages.mutations import VEHICLES, columns, encode, mutations, sample, valid
from twinpack.ingest.messages import REJECT_REASONS, ROW_REASONS, Decoded, Message, decode
from twinpack.telemetry.identifiers import is_vehicle_id
from twinpack.telemetry.schema import LIST_SIGNALS, SCALAR_SIGNALS
from twinpack.telemetry.validate import Validator


def check_accounts(messages: Sequence[Message], decoded: Decoded) -> None:
    """Every message has samples or a refusal, in order, and everything has its length."""
    readings = decoded.readings
    rows = len(readings)
    refused = [reject.message for reject in decoded.rejected]
    taken = np.unique(decoded.message)
    assert sorted([*refused, *taken.tolist()]) == list(range(len(messages)))
    assert refused == sorted(refused)
    assert np.all(np.diff(decoded.message) >= 0)
    assert {reject.reason for reject in decoded.rejected} <= set(REJECT_REASONS)
    assert all(0 < len(reject.detail) < 1_000 for reject in decoded.rejected)
    assert len(decoded.message) == len(readings.sample_time_us) == rows
    assert len(decoded.sequence) == len(messages)
    assert set(readings.signals) <= set(SCALAR_SIGNALS)
    assert set(readings.lists) <= set(LIST_SIGNALS)
    assert all(values.shape == (rows,) and values.dtype == np.float64 for values in readings.signals.values())
    assert all(len(array) == rows for array in readings.lists.values())
    assert all(map(is_vehicle_id, readings.vehicle_ids))
    assert rows == 0 or -1 <= readings.vehicle.min() <= readings.vehicle.max() < len(readings.vehicle_ids)
    for fault in readings.faults:
        assert fault.reason in ROW_REASONS
        assert len(fault.rows) == len(fault.details) > 0
        assert np.all(np.diff(fault.rows) > 0)
        assert 0 <= fault.rows[0] <= fault.rows[-1] < rows


def check_validates(decoded: Decoded) -> None:
    """Validation takes what was decoded, and every row is a sample, rejected, or a duplicate."""
    checked = Validator().check(decoded.readings)
    rejected = sum(len(fault.rows) for fault in checked.faults if fault.action == "row rejected")
    assert checked.samples.num_rows + rejected + checked.duplicates == len(decoded.readings)
    checked.samples.validate(full=True)


def fuzz(seed: int, count: int) -> Counter[str]:
    """Decode mutations in batches; how often each outcome came."""
    outcomes: Counter[str] = Counter()
    messages = mutations(seed, count)
    while batch := list(islice(messages, 250)):
        decoded = decode(batch)
        check_accounts(batch, decoded)
        check_validates(decoded)
        outcomes.update(reject.reason for reject in decoded.rejected)
        outcomes.update(fault.reason for fault in decoded.readings.faults)
        outcomes["taken"] += len(batch) - len(decoded.rejected)
    return outcomes


def test_mutations_end_as_samples_or_refusals() -> None:
    outcomes = fuzz(seed=1, count=10_000)
    # The mutations reach every reason but those of Arrow bodies, and enough of them are taken.
    assert set(outcomes) == {*REJECT_REASONS, "number", "taken"} - {"arrow", "size"}
    assert outcomes["taken"] > 1_500
    assert min(outcomes.values()) > 20


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 12))
def test_a_hundred_thousand_mutations_end_as_samples_or_refusals(seed: int) -> None:
    fuzz(seed, 10_000)


def test_what_a_message_becomes_does_not_depend_on_its_neighbours() -> None:
    messages = list(mutations(seed=12, count=1_000))
    together = decode(messages)
    refusals = {reject.message: reject for reject in together.rejected}
    for index, message in enumerate(messages):
        alone = decode([message])
        rows = np.flatnonzero(together.message == index)
        if index in refusals:
            assert (refusals[index].reason, refusals[index].detail) == (
                alone.rejected[0].reason,
                alone.rejected[0].detail,
            )
            continue
        readings = together.readings
        assert {readings.vehicle_ids[code] for code in readings.vehicle[rows]} == set(alone.readings.vehicle_ids)
        np.testing.assert_array_equal(readings.sample_time_us[rows], alone.readings.sample_time_us)
        for name, values in alone.readings.signals.items():
            np.testing.assert_array_equal(readings.signals[name][rows], values)
        for name, array in alone.readings.lists.items():
            assert readings.lists[name].take(rows).to_pylist() == array.to_pylist()
        assert faults_of(together, rows) == faults_of(alone, np.arange(len(rows)))


def faults_of(decoded: Decoded, rows: np.ndarray[tuple[int], np.dtype[np.int64]]) -> list[tuple[str, str, int, str]]:
    """Every fault of some rows, counted from the first of them."""
    return sorted(
        (fault.reason, fault.action, int(row - rows[0]), detail)
        for fault in decoded.readings.faults
        for row, detail in zip(fault.rows, fault.details, strict=True)
        if row in rows
    )


def test_what_the_mutations_start_from_is_all_right() -> None:
    rng = random.Random(1)
    messages = [Message(encode(*valid(rng))) for _ in range(500)]
    messages += [Message(encode(sample(rng), "json")), Message(encode(columns(rng, packed=True), "msgpack"))]
    decoded = decode(messages)
    check_accounts(messages, decoded)
    assert (decoded.rejected, decoded.readings.faults, decoded.unknown) == ([], [], {})
    assert set(decoded.readings.vehicle_ids) == set(VEHICLES)
