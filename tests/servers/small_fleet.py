"""A small simulated fleet with planted faults, made once for all tests of a run; each copies it before it writes.

def test_something(small_fleet: Path) -> None:  # the fixture of this module: a copy of its own
    ...
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
VEHICLES, TRIPS = 8, 12
FAULTY = "SIM-0001"
"""Its cell 17 grows weak, and on its last drive its battery loses its isolation."""

KEPT = "TWINPACK_SMALL_FLEET"
"""Names a folder in which it is kept from one run to the next, for who writes tests on it."""

_YEARS = 2.0
_SEED = 7
_PERIOD_S = 10.0


@pytest.fixture(scope="session")
def pristine_fleet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The workspace that all copy; nobody writes to it."""
    return made_once(tmp_path_factory)


@pytest.fixture
def small_fleet(pristine_fleet: Path, tmp_path: Path) -> Path:
    """A workspace of one's own."""
    return Path(shutil.copytree(pristine_fleet, tmp_path / "fleet"))


def made_once(factory: pytest.TempPathFactory) -> Path:
    """The workspace, made by the first process of the run that asks."""
    shared = Path(os.environ.get(KEPT) or factory.getbasetemp())
    if shared.name.startswith("popen-"):  # a worker of pytest-xdist: the folder over it is that of the run
        shared = shared.parent
    shared.mkdir(parents=True, exist_ok=True)
    home, done = shared / "small-fleet", shared / "small-fleet.done"
    with (shared / "small-fleet.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            subprocess.run([sys.executable, "-m", "tests.servers.small_fleet", str(home)], cwd=ROOT, check=True)
            done.touch()
    return home


def make(home: Path) -> None:
    """Simulate the fleet and let its twins live through it."""
    from twinpack.cli.demo_fault import PlantedFleet
    from twinpack.cli.demo_fleet import write_living
    from twinpack.cli.simulate_files import write_fleet
    from twinpack.cli.trial import live_through
    from twinpack.simulate.physics import PhysicsFleet
    from twinpack.simulate.settings import FleetSettings
    from twinpack.store.workspace import Workspace

    Workspace.open(home)
    first_day = (datetime.now(UTC) - timedelta(days=365 * _YEARS + 1)).date()
    settings = FleetSettings(VEHICLES, TRIPS, _YEARS, _SEED, _PERIOD_S, start=first_day)
    fleet = PlantedFleet(PhysicsFleet(settings))
    written = write_fleet(fleet, settings.pack, home / "fleet", lambda _: None, None)
    write_living(home / "fleet", fleet.faulty)
    live_through(home, Path(written.telemetry), profile="twinpack", kind="thevenin-2rc", trips=3)


if __name__ == "__main__":
    make(Path(sys.argv[1]))
