"""The search for data faults once more: one vehicle, one frame and one channel at a time, in plain Python."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import numpy as np

from twinpack.battery.pack import PackSpec
from twinpack.detect.frames import Frames
from twinpack.detect.screen import ScreenSettings

NAN = math.nan
Row = dict[str, Any]


def narrow(value: float) -> float:
    """As kept in 32 bits."""
    return float(np.float32(value))


@dataclass
class Channel:
    last: float = NAN
    reference: float = NAN
    origin: float = NAN
    seconds: float = 0.0
    dead: str = ""
    was_bad: bool = False
    lately: bool = False
    suspect: bool = False
    moved: bool = False
    seen: bool = False

    @property
    def trusted(self) -> bool:
        return not self.dead and not self.suspect

    def die(self, why: str) -> None:
        self.dead, self.seconds, self.suspect, self.moved, self.lately, self.was_bad = (
            why,
            0.0,
            False,
            False,
            False,
            False,
        )

    def heal(self) -> None:
        self.dead, self.seconds, self.origin, self.moved, self.suspect = "", 0.0, NAN, False, False
        self.was_bad = self.lately = False


@dataclass
class LookBack:
    """What was seen at two moments, at least `least_s` apart but at the start."""

    least_s: float
    most_s: float
    old: tuple[float, list[float]] | None = None
    new: tuple[float, list[float]] | None = None

    def base(self, time_s: float, seen: list[float]) -> tuple[float, list[float]] | None:
        """What to measure from now; what is seen now is kept for later."""
        new, old = self.new, self.old
        if new is None or time_s - new[0] > self.most_s:
            self.old, self.new = None, (time_s, seen)
            return None
        if time_s - new[0] >= self.least_s:
            self.old, self.new = new, (time_s, seen)
            return new
        return old if old is not None and time_s - old[0] <= self.most_s else None


@dataclass
class Vehicle:
    pack: PackSpec
    rules: ScreenSettings
    cells: list[Channel] = field(default_factory=list)
    probes: list[Channel] = field(default_factory=list)
    cells_s: float = NAN
    used_s: float = NAN
    median: float = NAN
    c_rate: float = NAN
    pack_v: float = NAN
    probes_s: float = NAN

    def __post_init__(self) -> None:
        self.seen_cells = LookBack(self.rules.rate_s, self.rules.gap_s)
        self.seen_probes = LookBack(self.rules.rate_s, self.rules.gap_s)
        self.cells = [Channel() for _ in range(self.pack.series)]

    def frame(
        self, time_s: float, values: Sequence[float], probes: Sequence[float], c_rate: float, pack_v: float
    ) -> Row:
        """Quantities of cells and probes of one frame, and `aside`, `cells` and `probes`."""
        out: Row = {"aside": False, "cells": [], "probes": []}
        if len(values):
            out["cells_mismatch"] = float(len(values) != len(self.cells))
        if len(values) == len(self.cells):
            out |= self._cells(time_s, values, c_rate, pack_v)
        if len(probes) and not out["aside"]:
            out |= self._probes(time_s, probes)
        return out

    def _good(self, v: float) -> bool:
        return narrow(self.rules.cell_low_v) < v < narrow(self.rules.cell_high_v)

    def _cells(self, time_s: float, values: Sequence[float], c_rate: float, pack_v: float) -> Row:
        step = 0.0 if math.isnan(self.cells_s) else min(time_s - self.cells_s, self.rules.gap_s)
        self.cells_s = time_s
        bad = [not self._good(v) for v in values]
        if 2 * sum(bad) <= len(bad):
            for b, channel in zip(bad, self.cells, strict=True):
                self._sentinel(b, channel, step)
        alive = sum(b and not channel.dead for b, channel in zip(bad, self.cells, strict=True))
        out: Row = {"sentinel_cells": float(alive), "aside": alive > 0}
        if not alive:
            out |= self._use(time_s, values, step, c_rate, pack_v)
        masked = [number for number, channel in enumerate(self.cells, 1) if not channel.trusted]
        wrong = [number for number, b in enumerate(bad, 1) if b] or masked
        out["cell_dead"] = float(any(channel.dead for channel in self.cells))
        if wrong:
            out["bad_cell"] = float(wrong[0])
        return out

    def _sentinel(self, bad: bool, channel: Channel, step: float) -> None:
        if bad and channel.dead:
            channel.seconds, channel.moved, channel.was_bad = 0.0, False, True
        elif bad:
            if channel.was_bad:
                channel.seconds += step
                if channel.seconds >= self.rules.dead_s:
                    channel.die("sentinel")
            channel.was_bad = True
        elif channel.was_bad:
            channel.was_bad, channel.lately = False, True
            if not channel.dead:
                channel.seconds = max(0.0, channel.seconds - 2 * step)

    def _median(self, values: Sequence[float]) -> float:
        kept = [v for v, channel in zip(values, self.cells, strict=True) if channel.trusted and self._good(v)]
        return median(kept) if kept else NAN

    def _use(self, time_s: float, values: Sequence[float], step: float, c_rate: float, pack_v: float) -> Row:
        now = self._median(values)
        if math.isnan(now):
            return {"cells": [None] * len(values)}
        before, fresh = self.median, time_s - self.used_s <= self.rules.gap_s
        low = self.rules.low_c_rate
        if fresh and abs(c_rate) <= low and abs(self.c_rate) <= low:
            self._jumps(values, now, before, pack_v)
        for v, channel in zip(values, self.cells, strict=True):
            if self._good(v):
                self._follow(v, channel, now, before, step, fresh)
        now = self._median(values)
        out = self._figures(time_s, values, now, pack_v)
        for v, channel in zip(values, self.cells, strict=True):
            channel.last = v if self._good(v) else channel.last
        self.used_s, self.median, self.c_rate, self.pack_v = time_s, now, c_rate, pack_v
        return out

    def _jumps(self, values: Sequence[float], now: float, before: float, pack_v: float) -> None:
        def jumps(v: float, channel: Channel) -> bool:
            off, was = v - now, channel.last - before
            return channel.trusted and abs(off - was) > self.rules.jump_v and abs(off) > abs(was)

        pairs = list(zip(values, self.cells, strict=True))
        jumping = [jumps(v, channel) for v, channel in pairs]
        expected = sum(
            (now - before) if not channel.trusted else v - channel.last
            for (v, channel), jump in zip(pairs, jumping, strict=True)
            if not channel.trusted or (not jump and not math.isnan(channel.last))
        )
        unexplained = pack_v - self.pack_v - expected
        for (v, channel), jump in zip(pairs, jumping, strict=True):
            if jump and (v - now > channel.last - before or unexplained > 0.5 * (v - channel.last)):
                channel.suspect, channel.lately = True, True
                channel.origin, channel.seconds = math.floor(1000 * (channel.last - before) + 0.5) / 1000, 0.0

    def _follow(self, v: float, channel: Channel, now: float, before: float, step: float, fresh: bool) -> None:
        rules = self.rules
        changed = v != channel.last
        if changed or not fresh:
            channel.reference = narrow(now)
        enough = rules.frozen_v * (1 if abs(now - before) > 0.1 * rules.frozen_v else 2)
        stuck = abs(now - channel.reference) > enough
        back = abs(v - now - channel.origin) < 0.5 * rules.jump_v
        lately, channel.lately = channel.lately, False
        if channel.dead:
            good = back or abs(v - now) < 0.05 if channel.dead == "jumped" else abs(v - now) < rules.jump_v
            self._revive(channel, good and not stuck, changed, step)
        elif channel.suspect:
            if lately:
                return
            if back:
                channel.heal()
            else:
                channel.seconds += step
                if channel.seconds >= rules.jump_s:
                    channel.die("jumped")
        elif stuck:
            channel.seconds += step
            if channel.seconds >= rules.frozen_s:
                channel.die("frozen")
        elif changed and not lately:
            channel.seconds = 0.0

    def _revive(self, channel: Channel, good: bool, changed: bool, step: float) -> None:
        if not good:
            channel.seconds, channel.moved = 0.0, False
            return
        if channel.moved:
            channel.seconds += step
        channel.moved |= changed
        if channel.seconds >= self.rules.heal_s:
            channel.heal()

    def _figures(self, time_s: float, values: Sequence[float], now: float, pack_v: float) -> Row:
        shown = [v if c.trusted and self._good(v) else NAN for v, c in zip(values, self.cells, strict=True)]
        base = self.seen_cells.base(time_s, [*shown, now])
        out: Row = {"cells": [None if math.isnan(v) else v for v in shown]}
        kept = [(v, number) for number, v in enumerate(shown, 1) if not math.isnan(v)]
        if not kept:
            return out
        high, low = max(v for v, _ in kept), min(v for v, _ in kept)
        out |= {
            "cell_v_max": high,
            "cell_v_min": low,
            "cell_v_spread": high - low,
            "cell_v_max_cell": float(next(number for v, number in kept if v == high)),
            "cell_v_min_cell": float(next(number for v, number in kept if v == low)),
            "cell_v_median": now,
        }
        if len(kept) == len(shown):
            total = sum(shown)
            out |= {"cell_v_sum": total, "sum_gap_v": abs(pack_v - total)}
        if base is not None:
            kept_shares = [v / base[1][number - 1] for v, number in kept if not math.isnan(base[1][number - 1])]
            if kept_shares:
                out["cell_drop"] = max(0.0, 1 - min(kept_shares) * base[1][-1] / now)
        return out

    def _probes(self, time_s: float, values: Sequence[float]) -> Row:
        rules = self.rules
        while len(self.probes) < len(values):
            self.probes.append(Channel())
        since = time_s - self.probes_s
        fresh, step = since <= rules.gap_s, 0.0 if math.isnan(since) else min(since, rules.gap_s)
        self.probes_s = time_s
        pairs = list(zip(values, self.probes, strict=False))
        good = [narrow(rules.probe_low_c) < v < narrow(rules.probe_high_c) for v in values]
        for (_, channel), ok in zip(pairs, good, strict=True):
            channel.seen |= ok
        low = any(v <= rules.probe_low_c for v in values)
        high = any(v >= rules.probe_high_c for v in values)
        bad = [
            number
            for number, ((v, channel), ok) in enumerate(zip(pairs, good, strict=True), 1)
            if not ok and (channel.seen or not math.isnan(v))
        ]
        trusted = [v for (v, channel), ok in zip(pairs, good, strict=True) if ok and not channel.dead]
        now = median(trusted) if trusted else NAN
        for (v, channel), ok in zip(pairs, good, strict=True):
            if ok:
                self._follow_probe(v, channel, now, len(trusted) > 2, step, fresh)
        frozen = [number for number, (_, channel) in enumerate(pairs, 1) if channel.dead]
        shown = [v if ok and not c.dead else NAN for (v, c), ok in zip(pairs, good, strict=True)]
        out: Row = {
            "probes": [None if math.isnan(v) else v for v in shown],
            "probe_low": float(low),
            "probe_high": float(high),
            "probe_bad": float(bool(bad or frozen)),
            "probe_frozen": float(bool(frozen)),
        }
        if bad or frozen:
            out["bad_probe"] = float((bad or frozen)[0])
        kept = [(v, number) for number, v in enumerate(shown, 1) if not math.isnan(v)]
        if kept:
            most, least = max(v for v, _ in kept), min(v for v, _ in kept)
            out |= {
                "probe_max_c": most,
                "probe_min_c": least,
                "probe_spread_k": most - least,
                "probe_max": float(next(number for v, number in kept if v == most)),
                "probe_min": float(next(number for v, number in kept if v == least)),
            }
        base = self.seen_probes.base(time_s, shown)
        if base is not None:
            rises = [v - was for v, was in zip(shown, base[1], strict=False) if not math.isnan(v - was)]
            if rises:
                out["temp_rate_k_s"] = max(rises) / (time_s - base[0])
        for (v, channel), ok in zip(pairs, good, strict=True):
            channel.last = v if ok else channel.last
        return out

    def _follow_probe(self, v: float, channel: Channel, now: float, enough: bool, step: float, fresh: bool) -> None:
        changed = v != channel.last
        if changed or not fresh:
            channel.reference = narrow(now)
        stuck = enough and abs(now - channel.reference) > self.rules.probe_frozen_k
        if channel.dead:
            self._revive(channel, not stuck, changed, step)
            channel.seen = True
        elif stuck:
            channel.seconds += step
            if channel.seconds >= self.rules.probe_frozen_s:
                channel.dead, channel.seconds = "frozen", 0.0
        elif changed:
            channel.seconds = 0.0


def by_hand(frames: Frames, pack: PackSpec, rules: ScreenSettings) -> list[Row]:
    """What each frame of one vehicle should give."""
    vehicle = Vehicle(pack, rules)
    found = []
    for i in range(len(frames)):
        cells, probes = (
            [float(v) for v in of.values[of.start[i] : of.start[i] + of.count[i]]]
            for of in (frames.cells, frames.probes)
        )
        current, pack_v = (float(frames.signals[name][i]) for name in ("pack_current_a", "pack_voltage_v"))
        found.append(vehicle.frame(frames.time_us[i] / 1e6, cells, probes, current / pack.capacity_ah, pack_v))
    return found
