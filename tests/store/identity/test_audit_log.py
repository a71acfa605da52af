from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from twinpack.store.registry import Registry

NOW_US = 1_700_000_000_000_000


def test_entries_are_numbered_and_the_newest_comes_first(registry: Registry) -> None:
    log = registry.audit_log
    assert log.write("m.kern", "operator", "alarm.acknowledge", "ab12", {"comment": "seen"}, "7c1e09", NOW_US) == 1
    assert log.write("key:1", "analyst", "read", "car-1", at_us=NOW_US + 1) == 2
    newest, oldest = log.entries()
    assert (newest.number, newest.subject, newest.detail) == (2, "car-1", {})
    assert (oldest.who, oldest.role, oldest.detail, oldest.request_id) == (
        "m.kern",
        "operator",
        {"comment": "seen"},
        "7c1e09",
    )


def test_entries_are_found_by_who_and_what_page_by_page(registry: Registry) -> None:
    log = registry.audit_log
    for number in range(6):
        log.write("a" if number % 2 else "b", "operator", "read", f"car-{number % 3}", at_us=NOW_US + number)
    assert [entry.number for entry in log.entries(who="a")] == [6, 4, 2]
    assert [entry.number for entry in log.entries(subject="car-0")] == [4, 1]
    assert [entry.number for entry in log.entries(limit=2, before=4)] == [3, 2]
    assert (log.count(), log.count(who="a"), log.count("a", "car-0")) == (6, 3, 1)


def test_what_is_too_long_is_cut_not_refused(registry: Registry) -> None:
    registry.audit_log.write("w" * 500, "operator", "x" * 500, "s" * 500, request_id="r" * 500)
    entry = registry.audit_log.entries()[0]
    assert [len(part) for part in (entry.who, entry.action, entry.subject, entry.request_id)] == [128, 64, 128, 64]


def test_numbers_are_given_once_by_writers_at_the_same_time(registry_url: str) -> None:
    if registry_url == "sqlite://":
        pytest.skip("a registry in memory is of one thread")
    with Registry.open(registry_url) as registry:
        registry.upgrade()
        with ThreadPoolExecutor(4) as threads:
            numbers = list(threads.map(lambda at: registry.audit_log.write("a", "admin", "read", f"{at}"), range(40)))
        assert sorted(numbers) == list(range(1, 41))


def test_retention_removes_what_is_old_and_gives_no_number_twice(registry: Registry) -> None:
    log = registry.audit_log
    for number in range(4):
        log.write("a", "admin", "read", at_us=NOW_US + number)
    assert log.remove_before(NOW_US + 2) == 2
    assert log.remove_before(NOW_US + 100) == 1
    assert [entry.number for entry in log.entries()] == [4]
    assert log.write("a", "admin", "read") == 5
