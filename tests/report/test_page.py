from __future__ import annotations

import base64
import hashlib
import importlib.util
import json
import re
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from twinpack.report.data import ReportData
from twinpack.report.page import render

HOSTILE = "</script><img src=x onerror=alert(1)>\u2028{{data}}"
SVG_NAMESPACE = "http://www.w3.org/2000/svg"


def fabricate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("fabricate", Path(__file__).with_name("fabricate.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def small_fleet() -> ReportData:
    data: ReportData = fabricate().report(vehicles=3, trips=20)
    return data


class Page(HTMLParser):
    """Collects elements and what stands inside scripts and styles."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.raw: list[tuple[dict[str, str], str]] = []
        self.inside = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

        if tag in ("script", "style"):
            self.raw.append((self.elements[-1][1], ""))
        self.inside = tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        self.inside = False

    def handle_data(self, data: str) -> None:
        if self.inside:
            attrs, text = self.raw[-1]
            self.raw[-1] = (attrs, text + data)

    def block(self, name: str) -> Any:
        return json.loads("".join(text for attrs, text in self.raw if attrs.get("id") == name))


def test_the_same_data_gives_the_same_bytes() -> None:
    assert render(small_fleet()) == render(fabricate().report(vehicles=3, trips=20))


def test_figures_reach_the_page_as_they_are() -> None:
    data, page = small_fleet(), Page(render(small_fleet()))
    fleet, vehicle = page.block("fleet-data"), page.block("vehicle-data-1")

    assert fleet["pages"] == [row.vehicle_id for row in data.fleet]
    assert fleet["figures"]["trips"] == 60
    assert [row["trips"] for row in fleet["fleet"]] == [20, 20, 20]
    assert vehicle["vehicle_id"] == data.vehicles[1].vehicle_id
    assert vehicle["versions"][-1]["hash"] == data.vehicles[1].versions[-1].hash
    assert vehicle["trips"][9]["living_v"] == pytest.approx(data.vehicles[1].trips[9].living_v, abs=1e-4)
    assert max(len(trace["time_s"]) for trace in vehicle["traces"]) <= 242


def test_nothing_refers_to_the_outside() -> None:
    html = render(small_fleet())

    for tag, attrs in Page(html).elements:
        assert tag not in ("iframe", "object", "embed", "base", "form")
        for name in ("src", "href", "srcset", "action", "data", "poster"):
            assert attrs.get(name, "#").startswith(("#", "data:image/svg+xml,")), (tag, attrs)
    assert not re.search(r"@import|url\((?!#)|fetch\(|XMLHttpRequest|WebSocket|sendBeacon|import\(", html)
    assert not re.findall(r"(?:https?:)?//[a-z0-9-]+\.[a-z]", html.replace(SVG_NAMESPACE, ""))


def test_the_policy_allows_exactly_the_scripts_and_the_style_of_the_page() -> None:
    page = Page(render(small_fleet()))
    policies = [attrs["content"] for tag, attrs in page.elements if attrs.get("http-equiv")]
    assert len(policies) == 1
    assert "default-src 'none'" in policies[0]
    assert "unsafe" not in policies[0]
    for attrs, text in page.raw:
        if attrs.get("type") != "application/json":
            digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
            assert f"'sha256-{digest}'" in policies[0]
    assert not any("style" in attrs or any(name.startswith("on") for name in attrs) for _, attrs in page.elements)


def test_hostile_text_stays_text() -> None:
    data = small_fleet()
    bad = replace(
        data.vehicles[0],
        vehicle_id=HOSTILE,
        explanations=(HOSTILE,),
        versions=(replace(data.vehicles[0].versions[0], reason=HOSTILE),),
    )
    row = replace(data.fleet[0], vehicle_id=HOSTILE, pack=HOSTILE)
    html = render(replace(data, title=HOSTILE, chain_note=HOSTILE, fleet=(row,), vehicles=(bad,)))
    page = Page(html)

    assert "<img" not in html
    assert "{{data}}" in page.block("fleet-data")["title"]
    assert page.block("fleet-data")["fleet"][0]["vehicle_id"] == HOSTILE
    assert page.block("vehicle-data-0")["versions"][0]["reason"] == HOSTILE


def test_the_page_itself_is_small() -> None:
    assert len(render(fabricate().report(vehicles=0))) < 90_000


def test_an_empty_fleet_still_makes_a_page() -> None:
    page = Page(render(fabricate().report(vehicles=0)))

    assert page.block("fleet-data")["fleet"] == []


def test_the_page_can_be_read_by_assistive_technology() -> None:
    html = render(small_fleet())

    assert '<html lang="en">' in html
    assert '<a class="skip" href="#main">' in html
    assert 'role="status"' in html
    assert "<noscript>" in html


def test_a_vehicle_costs_little() -> None:
    data = fabricate().report(vehicles=2, trips=60)
    whole, without = len(render(data)), len(render(replace(data, vehicles=())))

    assert (whole - without) / 2 < 250_000


def test_scripts_are_small_and_never_parse_data_as_markup() -> None:
    folder = resources.files("twinpack.report").joinpath("assets")
    texts = {item.name: item.read_text(encoding="utf-8") for item in folder.iterdir()}
    scripts = "".join(text for name, text in texts.items() if name.endswith(".js"))

    # No text runs over a line's end: the page is given the lines without their indentation.
    assert all(line.count("`") % 2 == 0 for line in scripts.splitlines())
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function", scripts)
