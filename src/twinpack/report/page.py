"""The report as one HTML page that needs nothing but itself."""

from __future__ import annotations

import base64
import hashlib
import re
from html import escape
from importlib import resources
from typing import Any

from twinpack.report.data import ReportData
from twinpack.report.encode import script_json
from twinpack.report.tokens import css_variables

_SLOT = re.compile(r"\{\{(\w+)\}\}")
_SCRIPTS = (
    "base.js",
    "charts.js",
    "layers.js",
    "address.js",
    "fleet.js",
    "fleet_table.js",
    "vehicle.js",
    "vehicle_charts.js",
    "app.js",
)
"""In the order they define what the later ones use."""


def render(data: ReportData) -> str:
    """The page for `data`, self-contained: styles, scripts and figures are inside, nothing is fetched.

    The same data gives the same bytes. Text that came with the data is escaped in the markup, and inside the embedded
    JSON it cannot end the script element; the scripts only ever set it as text. The content security policy allows
    the page's own scripts and styles by their hash and no network at all.
    """
    style = css_variables() + _inline("style.css")
    theme, script = _inline("theme.js"), "".join(map(_inline, _SCRIPTS))
    slots = {
        "policy": _policy(style, (theme, script)),
        "title": escape(data.title),
        "style": style,
        "theme": theme,
        "logo": _asset("logo.svg"),
        "data": _data_blocks(data),
        "script": script,
    }
    # One pass over the template alone: what is filled in is never searched for slots.
    return _SLOT.sub(lambda match: slots[match[1]], _asset("page.html"))


def _data_blocks(data: ReportData) -> str:
    """One block for the fleet and one a vehicle, so that a page reads only what it shows."""
    fleet: dict[str, Any] = {
        name: getattr(data, name)
        for name in (
            "title",
            "as_of_us",
            "code_version",
            "chain_ok",
            "chain_note",
            "note",
            "figures",
            "errors",
            "fleet",
            "sensitivity",
        )
    }
    fleet["pages"] = [vehicle.vehicle_id for vehicle in data.vehicles]
    blocks = [_block("fleet-data", fleet)]
    blocks += [_block(f"vehicle-data-{i}", vehicle) for i, vehicle in enumerate(data.vehicles)]
    return "\n".join(blocks)


def _block(name: str, value: Any) -> str:
    return f'<script type="application/json" id="{name}">{script_json(value)}</script>'


def _policy(style: str, scripts: tuple[str, ...]) -> str:
    script_hashes = " ".join(_source_hash(text) for text in scripts)
    return (
        f"default-src 'none'; script-src {script_hashes}; style-src {_source_hash(style)}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _source_hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _inline(name: str) -> str:
    """A script or style sheet without the indentation that only its authors need."""
    return re.sub(r"\n\s+", "\n", _asset(name))


def _asset(name: str) -> str:
    return resources.files("twinpack.report").joinpath("assets", name).read_text(encoding="utf-8")
