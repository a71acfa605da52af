from __future__ import annotations

import pickle

import msgspec
import numpy as np
import pytest

from tests.twin.garage import LOOP, PROTOTYPE, folded, healthy, log_of, worn
from twinpack.fleet.state import ShardState
from twinpack.twin.codec import FORMAT, decode, encode

LOG = log_of(healthy("a", 2), worn("b", 2))


@pytest.mark.parametrize("at", [0, 3, 17, 100, LOG.num_rows // 2 + 7, LOG.num_rows])
def test_folding_on_from_a_saved_state_is_folding_through(at: int) -> None:
    before = folded(LOG.slice(0, at))
    saved = before.state.to_bytes()
    state = ShardState.from_bytes(saved)
    assert state.to_bytes() == saved
    on = folded(LOG.slice(at), state=state, first_offset=at)
    through = folded(LOG, cuts=[at])
    assert [repr(one.event_id) for one in before.events + on.events] == [repr(one.event_id) for one in through.events]
    assert on.state.to_bytes() == through.state.to_bytes()


def test_settings_and_prototypes_travel_with_the_state() -> None:
    state = ShardState.from_bytes(folded(LOG.slice(0, 50)).state.to_bytes())
    assert state.settings.loop == LOOP
    assert (state.vehicle_ids, state.prototypes[PROTOTYPE.pack].model_hash) == (("a", "b"), PROTOTYPE.model_hash)


def test_a_state_does_not_grow_with_age() -> None:
    sizes = [len(folded(log_of(healthy("a", trips, rows=30))).state.to_bytes()) for trips in (1, 6)]
    assert abs(sizes[1] - sizes[0]) < 100


def test_a_state_is_small() -> None:
    few, many = (
        len(folded(log_of(*(healthy(f"v{n}", 1, rows=5) for n in range(count)))).state.to_bytes()) for count in (2, 12)
    )
    assert (many - few) / 10 < 8_000


def test_every_kind_of_array_comes_back() -> None:
    arrays = {
        "floats": np.array([[1.5, np.nan], [-0.0, np.inf]]),
        "whole": np.arange(6).reshape(1, 2, 3)[..., ::-1],
        "flags": np.array([True, False]),
        "names": np.array([b"abc", b""], dtype="S64"),
        "none": np.zeros((3, 0)),
    }
    meta, back = decode(encode({"a": [1, None, "x"]}, arrays))
    assert meta == {"a": [1, None, "x"]}
    for name, values in arrays.items():
        assert (back[name].dtype, back[name].shape) == (values.dtype, values.shape)
        assert back[name].tobytes() == np.ascontiguousarray(values).tobytes()
        assert back[name].flags.writeable


GOOD = folded(LOG.slice(0, 30)).state.to_bytes()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00",
        b"garbage",
        b"[1, 2, 3]",
        msgspec.msgpack.encode([1, 2]),
        msgspec.msgpack.encode({"format": FORMAT}),
        msgspec.msgpack.encode({"format": 99, "meta": {}, "arrays": {}}),
        msgspec.msgpack.encode({"format": FORMAT, "meta": {}, "arrays": {"x": ["<f8", [3], b"short"]}}),
        msgspec.msgpack.encode({"format": FORMAT, "meta": {}, "arrays": {"x": ["|O", [1], b"12345678"]}}),
        msgspec.msgpack.encode({"format": FORMAT, "meta": {}, "arrays": {"x": "y"}}),
        pickle.dumps({"format": FORMAT, "meta": {}, "arrays": {}}),
        pickle.dumps(np.array([{"a": 1}], dtype=object)),
        GOOD[: len(GOOD) // 2],
        GOOD + b"more",
    ],
    ids=lambda data: repr(data[:12]),
)
def test_what_is_not_a_state_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError):
        decode(data)
