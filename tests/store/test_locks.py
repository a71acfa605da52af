from __future__ import annotations

import threading
from pathlib import Path

from twinpack.store.locks import Claim, locked


def test_a_claim_is_held_or_refused_at_once_and_tells_who_holds_it(tmp_path: Path) -> None:
    first, second = Claim(tmp_path / "lock", "gateway"), Claim(tmp_path / "lock", "recovery")
    assert first.take()
    assert not second.take()
    role, process = second.holder()
    assert role == "gateway" and process.isdigit()
    first.release()
    assert second.take()
    assert first.holder()[0] == "recovery"
    second.release()


def test_looking_whether_it_is_free_takes_and_notes_nothing(tmp_path: Path) -> None:
    looking, holding = Claim(tmp_path / "lock", "look"), Claim(tmp_path / "lock", "worker")
    assert looking.is_free()
    assert not (tmp_path / "lock").exists()
    assert holding.take()
    assert not looking.is_free()
    holding.release()
    assert looking.is_free()
    assert looking.holder()[0] == "worker", "what stood there stays"
    assert holding.take()
    holding.release()


def test_a_lock_is_waited_for(tmp_path: Path) -> None:
    order: list[str] = []

    def second() -> None:
        with locked(tmp_path / "lock"):
            order.append("second")

    thread = threading.Thread(target=second)
    with locked(tmp_path / "lock"):
        thread.start()
        thread.join(0.05)
        order.append("first")
    thread.join(60)
    assert order == ["first", "second"]
