"""Routing rules: where samples go."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from twinpack.errors import RoutingError
from twinpack.ingest.routing import DROPPED, Router, load_rules, parse_rules, rules_path, shown_url
from twinpack.telemetry.schema import KIND_LAKE_SAMPLE, KIND_REALTIME_SAMPLE, KIND_SAMPLE, LOG, TELEMETRY, TIME_TYPE

START_US = 1_767_225_600_000_000
S_US = 1_000_000


def samples(vehicle: Sequence[str], seconds: Sequence[float], **signals: object) -> pa.Table:
    times = pa.array([START_US + round(second * S_US) for second in seconds], pa.int64()).cast(TIME_TYPE)
    given = {"vehicle_id": pa.array(vehicle), "sample_time": times, "receipt_time": times, **signals}
    columns = [
        pa.array(given[field.name], field.type) if field.name in given else pa.nulls(len(times), field.type)
        for field in TELEMETRY
    ]
    return pa.Table.from_arrays(columns, schema=TELEMETRY)


def router(*routes: str) -> Router:
    return Router(parse_rules("\n".join(f"[[route]]\n{route}" for route in routes)))


def route(name: str, when: str, to: str, every: str = "") -> str:
    lines = [f"name = '{name}'", f'when = """{when}"""', f"to = {to}"]
    return "\n".join([*lines, f"every = '{every}'"] if every else lines)


def test_where_a_sample_goes_is_the_kind_of_its_row() -> None:
    rules = router(
        route("moving", "speed_kmh > 0", "['realtime']"),
        route("low", "soc_pct < 20", "['lake']"),
    )
    taken = samples(["a"] * 5, range(5), speed_kmh=[5, 5, 0, 0, None], soc_pct=[10, 50, 10, 50, None])
    kinds = [KIND_SAMPLE, KIND_REALTIME_SAMPLE, KIND_LAKE_SAMPLE, DROPPED, DROPPED]
    assert rules.kinds(taken).tolist() == kinds
    assert rules.kinds(taken.slice(0, 0)).tolist() == []
    counts = rules.counts
    assert (counts.samples, counts.dropped) == (5, 2)
    assert {name: each.taken for name, each in counts.rules.items()} == {"moving": 2, "low": 2}
    rows = rules.rows(taken)
    assert rows.schema == LOG
    assert rows.column("kind").to_pylist() == kinds[:3]
    assert rows.column("speed_kmh").to_pylist() == [5, 5, 0]
    rules.close()


def test_constant_rules() -> None:
    taken = samples(["a"] * 3, range(3))
    assert router(route("all", "true", "['realtime', 'lake']")).kinds(taken).tolist() == [KIND_SAMPLE] * 3
    assert router(route("none", "false", "['lake']")).kinds(taken).tolist() == [DROPPED] * 3


def test_what_a_webhook_is_sent_is_kept_in_the_lake() -> None:
    rules = router(route("hot", "cell_temp_max_c > 50", "['webhook:https://host.example/x']"))
    taken = samples(["a"] * 2, range(2), cell_temp_max_c=[60, 20])
    assert rules.kinds(taken).tolist() == [KIND_LAKE_SAMPLE, DROPPED]


def test_the_shipped_rules_lose_nothing_and_give_detection_what_it_reads() -> None:
    with Router.load() as shipped:
        read = samples(["a"] * 3, range(3), pack_voltage_v=[400, None, None], cell_voltage_v=[None, [4.0, 4.1], None])
        assert shipped.kinds(read).tolist() == [KIND_SAMPLE, KIND_SAMPLE, KIND_LAKE_SAMPLE]
        beside = samples(["a"] * 2, range(2), elevation_m=[300, 400])
        assert shipped.kinds(beside).tolist() == [KIND_LAKE_SAMPLE] * 2


def test_every_lets_one_sample_of_a_vehicle_and_span_pass() -> None:
    rules = router(route("thin", "speed_kmh > 0", "['lake']", "10s"))
    vehicle = ["a", "a", "b", "a", "a", "a", "b"]
    taken = samples(vehicle, [1, 2, 3, 9.9, 10, 11, 20], speed_kmh=[0, 1, 1, 1, 1, 1, 1])
    #  the first of a stands still, so its second passes
    assert (rules.kinds(taken) != DROPPED).tolist() == [False, True, True, False, True, False, True]


def test_how_samples_are_cut_into_batches_does_not_matter() -> None:
    random = np.random.default_rng(3)
    seconds = np.cumsum(random.exponential(2.0, 400))
    late = np.where(random.random(400) < 0.2, seconds - 3_600, seconds)
    taken = samples([f"car-{at % 3}" for at in range(400)], late.tolist(), speed_kmh=random.random(400))
    text = route("thin", "speed_kmh > 0.3", "['lake']", "10s")
    whole = router(text).kinds(taken)
    cut = router(text)
    pieces = [cut.kinds(taken.slice(start, 7)) for start in range(0, 400, 7)]
    assert np.array_equal(np.concatenate(pieces), whole)
    passed = [
        (vehicle, int(second // 10))
        for vehicle, second, kind in zip(taken["vehicle_id"].to_pylist(), late + START_US / S_US, whole, strict=True)
        if kind != DROPPED
    ]
    assert len(passed) == len(set(passed)) > 50


def test_what_passed_passes_again_when_a_batch_is_tried_again() -> None:
    rules = router(route("thin", "true", "['lake']", "1min"))
    short = samples(["a"] * 130, [float(at) for at in range(130)])
    passed = rules.kinds(short)
    assert np.array_equal(rules.kinds(short), passed)
    long = samples(["a"] * 600, [float(at) for at in range(600)])
    passed = rules.kinds(long) != DROPPED
    assert passed.sum() == 10
    assert rules.kinds(long)[passed].tolist() == [KIND_LAKE_SAMPLE] * 10


@pytest.mark.parametrize("rows", [1, 40, 5_000])
def test_a_rule_that_fails_on_a_sample_counts_as_taking_it(rows: int) -> None:
    rules = router(
        route("number", "cast(vehicle_id as int) > 100", "['lake']"),
        route("moving", "speed_kmh > 0", "['realtime']"),
    )
    names = [str(at) for at in range(rows)]
    names[rows // 2] = "van"
    taken = samples(names, [0.0] * rows, speed_kmh=[0] * rows)
    expected = np.array([KIND_LAKE_SAMPLE if at > 100 or at == rows // 2 else DROPPED for at in range(rows)])
    assert np.array_equal(rules.kinds(taken), expected)
    assert rules.counts.rules["number"].failed == 1
    assert rules.counts.rules["moving"].failed == 0


def test_a_rule_that_fails_on_all_loses_none() -> None:
    rules = router(route("number", "cast(vehicle_id as int) > 100", "['realtime']", "1h"))
    taken = samples(["van"] * 3_000, [0.0] * 3_000)
    assert rules.kinds(taken).tolist() == [KIND_REALTIME_SAMPLE] * 3_000
    assert rules.counts.rules["number"].failed == 3_000


def test_rules_that_take_too_long_lose_none() -> None:
    # Each step of the chain is worked out for each row, far longer than the limit.
    slow = " or ".join(f"regexp_matches(vehicle_id, '(x+x+)+y{at}')" for at in range(80))
    rules = Router(parse_rules("[[route]]\n" + route("slow", slow, "['lake']")), time_limit_s=0.001)
    taken = samples(["x" * 60] * 200_000, [0.0] * 200_000)
    assert rules.kinds(taken).tolist() == [KIND_LAKE_SAMPLE] * 200_000
    assert rules.counts.interrupted == 1
    assert rules.counts.rules["slow"].failed == 200_000
    rules.close()


GOOD = route("all", "true", "['lake']")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no .*route"),
        ("route = 3", "no .*route"),
        ("[[rout]]", "unknown key 'rout'"),
        ("[[route]\n", "not valid TOML.*line 1"),
        (f"[[route]]\n{GOOD}\n[[route]]\n{GOOD}", "two routes 'all'"),
        ("[[route]]\nname = 'a b'", "route 1: name must be"),
        (f"[[route]]\n{GOOD}\nfor = 3", r"route 1 \(all\): unknown key 'for'"),
        ("[[route]]\nname = 'a'\nto = ['lake']", "when must be"),
        (
            f"[[route]]\n{GOOD}\n[[route]]\n" + route("b", "true and\nx", "['lake']"),
            r"2 \(b\): when: .*line 2, column 1",
        ),
        ("[[route]]\n" + route("a", "true", "'lake'"), "to must be a list"),
        ("[[route]]\n" + route("a", "true", "[]"), "to must be a list"),
        ("[[route]]\n" + route("a", "true", "['sea']"), "target 1 is none"),
        ("[[route]]\n" + route("a", "true", "['lake']", "10"), "every must be a time"),
        ("[[route]]\n" + route("a", "true", "['lake']", "0s"), "every must be a time"),
        ("[[route]]\n" + route("a", "true", "['webhook:ftp://host/secret']"), "target 1: a webhook is written"),
        ("[[route]]\n" + route("a", "true", "['webhook:https:///secret']"), "target 1: a webhook is written"),
        ("[[route]]\n" + route("a", "true", "['webhook:https://h:99999/secret']"), "target 1: a webhook is written"),
        ("[[route]]\n" + route("a", "true", "['webhook:https://h/secret x']"), "target 1: a webhook is written"),
    ],
)
def test_a_mistake_names_file_rule_and_place(text: str, told: str) -> None:
    with pytest.raises(RoutingError, match=told) as caught:
        parse_rules(text, "rules.toml")
    assert str(caught.value).startswith("rules.toml: ")
    assert "secret" not in str(caught.value)


def test_an_address_is_shown_without_what_may_be_secret() -> None:
    (rule,) = parse_rules("[[route]]\n" + route("a", "true", "['webhook:https://me:pass@host:8443/key?token=1']"))
    assert rule.webhooks == ("https://me:pass@host:8443/key?token=1",)
    assert rule.targets == ["webhook:https://host:8443/…"]
    assert "pass" not in repr(rule)
    assert "token" not in repr(rule)
    assert shown_url("http://[::1]/x") == "http://[::1]/…"


def test_which_rules_a_workspace_has(tmp_path: Path) -> None:
    assert rules_path(tmp_path, "") is None
    assert rules_path(tmp_path, "mine.toml") == tmp_path / "mine.toml"
    (tmp_path / "routing.toml").write_text(f"[[route]]\n{GOOD}")
    assert rules_path(tmp_path, "") == tmp_path / "routing.toml"
    assert [rule.name for rule in load_rules(rules_path(tmp_path, ""))] == ["all"]
    with pytest.raises(RoutingError, match=r"mine\.toml: cannot be read"):
        load_rules(tmp_path / "mine.toml")


ENDS = """
from tests.ingest.routing.test_router import samples
from twinpack.ingest.routing import Router

router = Router.load()
print(router.kinds(samples(["a"] * 3, range(3), speed_kmh=[1, 2, 3])).tolist())
"""


def test_a_process_ends_in_peace_with_rules_still_open() -> None:
    done = subprocess.run([sys.executable, "-c", ENDS], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "[0, 0, 0]\n", "")
