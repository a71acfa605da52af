"""The kinds of jobs there are, and what each may be told. What they do is in `runtime.jobs`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from twinpack.battery.families import KINDS
from twinpack.errors import InputError
from twinpack.store.checks import Check, one_of, text, whole, whole_path

COMPACT = "compact"
RETENTION = "retention"
LAKE = "lake"
LEARN = "learn"
ANOMALY = "anomaly"
SENSITIVITY = "sensitivity"
AGEING = "ageing"
FORECAST = "forecast"
ENERGY = "energy"
BACKUP = "backup"


@dataclass(frozen=True)
class Argument:
    """What a job may be told: a text or a number.

    Attributes:
        default: What it is when it is not told; None when it has to be.
        check: What it may be.
        doc: What it means.
    """

    default: str | int | None
    check: Check
    doc: str


@dataclass(frozen=True)
class JobKind:
    """One kind of job."""

    doc: str
    arguments: Mapping[str, Argument] = field(default_factory=dict)

    def complete(self, given: Mapping[str, Any]) -> dict[str, str | int]:
        """Arguments with the defaults of those that are not given.

        Raises:
            InputError: One is unknown, missing or not allowed; names it.
        """
        for name, value in given.items():
            if name not in self.arguments:
                known = ", ".join(self.arguments) or "none"
                raise InputError(f"unknown argument {name!r}; known: {known}")
            wanted = self.arguments[name].check(value)
            if wanted:
                raise InputError(f"argument {name} must be {wanted}, not {value!r}")
        found = {name: given.get(name, argument.default) for name, argument in self.arguments.items()}
        for name, value in found.items():
            if value is None:
                raise InputError(f"argument {name} is missing: {self.arguments[name].doc}")
        return {name: value for name, value in found.items() if value is not None}


JOBS: dict[str, JobKind] = {
    COMPACT: JobKind("joins small files of the lake and the log, orders telemetry, removes what was replaced"),
    RETENTION: JobKind(
        "removes what is older or larger than the settings let the log and the lake be, and what owners have erased"
    ),
    LAKE: JobKind(
        "brings sealed segments of the log into the lake, with the daily features and what is known of health"
    ),
    LEARN: JobKind(
        "fits a prototype to the vehicles' first trips and stores it; it is not deployed by that",
        {
            "pack": Argument("", text, 'pack to learn for; "" when there is one'),
            "kind": Argument("thevenin-2rc", one_of(*KINDS), "kind of model"),
            "trips": Argument(3, whole(1, 99_999), "first trips of each vehicle"),
        },
    ),
    ANOMALY: JobKind(
        "learns from daily features which vehicles are odd, or scores newer days with a model, and keeps the scores",
        {
            "pack": Argument("", text, 'pack to learn for; "" for each that has vehicles enough'),
            "model": Argument("", text, 'score with this model, "latest" or digits of its hash; "" learns a new one'),
        },
    ),
    SENSITIVITY: JobKind(
        "finds which parameters of a model matter on real trips and which should live, and keeps that beside the model",
        {
            "pack": Argument("", text, 'pack of the model; "" when there is one'),
            "model": Argument("latest", text, "model to analyse, or digits of its hash"),
            "trips": Argument(10, whole(1, 99_999), "first trips of each vehicle"),
            "samples": Argument(1024, whole(8, 65_536), "points of the sequence, a power of two"),
        },
    ),
    AGEING: JobKind(
        "learns from histories of health how the packs age, and stores it; a pack with too little to learn from is "
        "left out",
        {"pack": Argument("", text, 'pack to learn for; "" for each that has vehicles enough')},
    ),
    FORECAST: JobKind(
        "forecasts health, end of life and warranties of every vehicle whose pack has an ageing model, and keeps that",
        {
            "pack": Argument("", text, 'pack to forecast; "" for each that has an ageing model'),
            "months": Argument(120, whole(1, 600), "how far to look"),
        },
    ),
    ENERGY: JobKind(
        "learns from the fleet's drives what trips take, and stores it; a pack with too few of them is left out",
        {"pack": Argument("", text, 'pack to learn for; "" for each that has trips enough')},
    ),
    BACKUP: JobKind(
        "copies the workspace into a new folder, named after the job",
        {"to": Argument(None, whole_path, "folder for backups, outside the workspace")},
    ),
}
"""Every kind of job, by name."""


def job_kind(name: str) -> JobKind:
    """One kind.

    Raises:
        InputError: There is no such kind; says which there are.
    """
    if name not in JOBS:
        raise InputError(f"there is no job {name!r}; there are {', '.join(JOBS)}")
    return JOBS[name]
