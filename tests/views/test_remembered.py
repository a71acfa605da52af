"""What is kept for those who ask again."""

from __future__ import annotations

from twinpack.views.remembered import Remembered


def test_a_value_is_made_once_for_each_source_and_the_oldest_are_let_go() -> None:
    made: list[str] = []

    def make(name: str) -> str:
        made.append(name)
        return name.upper()

    kept: Remembered[str, str] = Remembered(2)
    first, second = object(), object()
    assert kept.get("a", first, lambda: make("a")) == "A"
    assert kept.get("a", first, lambda: make("a")) == "A"
    assert kept.get("a", second, lambda: make("a2")) == "A2"
    kept.get("b", first, lambda: make("b"))
    kept.get("a", second, lambda: make("a3"))
    kept.get("c", first, lambda: make("c"))
    kept.get("b", first, lambda: make("b2"))
    assert made == ["a", "a2", "b", "c", "b2"]
