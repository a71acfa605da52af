"""Versions of a vehicle's twin as far as they may be seen."""

from __future__ import annotations

from twinpack.twin.versions import TwinVersion
from twinpack.views.opened import Views
from twinpack.views.sight import Reach
from twinpack.views.spans import holds, whole


def seen_versions(views: Views, reach: Reach) -> list[TwinVersion]:
    """Versions decided at times that may be seen, oldest first."""
    versions = views.registry.versions(reach.vehicle_id)
    if whole(reach.span):
        return versions
    return [version for version in versions if holds(reach.span, version.sample_time_us)]
