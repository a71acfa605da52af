"""One trouble-code rule: what is tested, for how long it must hold, and what becomes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from twinpack.detect.findings import Category, Level
from twinpack.detect.rules.expression import Expression
from twinpack.detect.rules.limits import LimitSpec
from twinpack.detect.rules.quantities import SILENCE

AT_ONCE = 3
"""Severity from which on a failed test is confirmed at once."""


@dataclass(frozen=True)
class Rule:
    """One rule of a rule set.

    Attributes:
        code: Trouble code, its key.
        name: A few words for a headline.
        description: What is wrong, in plain words.
        category: What is at fault.
        condition: The test fails where it is true, passes where it is false.
        when: The test runs only where this is true; None for always.
        limits: Limits by name, for `limit.NAME`.
        debounce_us: For how long it must fail to have failed; 0 for the first failing sample.
        pass_us: For how long it must pass to have passed.
        hold_us: A value stands for this long at most until the next.
        severity: 0 none, 1 drives normally, 2 limited performance, 3 stop or call rescue.
        lamp: It asks for the warning lamp.
        n_confirm: Operation cycles with a failure that confirm it; with severity 3 the first does.
        n_heal: Operation cycles in a row, tested and without a failure, that heal it.
        n_age: As many more after which it is forgotten.
        freeze: Quantities of its freeze frame beside those of every frame.
        gbt: Bit of the general alarm flags of GB/T 32960 that it sets, None for none.
        level: Whether people should look at it some time, or now.
    """

    code: str
    name: str
    description: str
    category: Category
    condition: Expression
    when: Expression | None
    limits: Mapping[str, LimitSpec]
    debounce_us: int
    pass_us: int
    hold_us: int
    severity: int
    lamp: bool
    n_confirm: int
    n_heal: int
    n_age: int
    freeze: tuple[str, ...] = ()
    gbt: int | None = None
    level: Level = "alarm"

    @cached_property
    def quantities(self) -> tuple[str, ...]:
        """Quantities that condition and `when` read, each once."""
        read = self.condition.quantities + (self.when.quantities if self.when else ())
        return tuple(dict.fromkeys(read))

    @cached_property
    def of_silence(self) -> bool:
        """It is tried at ticks, on vehicles that have fallen silent, and passes with the next sample."""
        return any(name in SILENCE for name in self.condition.quantities)
