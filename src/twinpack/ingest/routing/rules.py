"""Routing rules: a name, a condition in SQL and targets each, read from TOML."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

from twinpack.errors import RoutingError
from twinpack.ingest.routing.conditions import Condition, parse_condition
from twinpack.store.spans import EXAMPLES, span_us
from twinpack.store.urls import is_http_url, shown_url

REALTIME = "realtime"
LAKE = "lake"
WEBHOOK = "webhook:"
SHIPPED = "the shipped rules"
RULES_FILE = "routing.toml"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}")
_KEYS = ("name", "when", "to", "every")


@dataclass(frozen=True)
class Rule:
    """One rule.

    Attributes:
        name: Its name.
        condition: Which samples it takes.
        realtime: Whether they go to the real-time path.
        lake: Whether they go to the lake.
        webhooks: Addresses they are posted to; they may hold secrets.
        every_us: Span of sample time, counted from the epoch, of which it takes one sample a vehicle; 0 for all.
    """

    name: str
    condition: Condition
    realtime: bool
    lake: bool
    webhooks: tuple[str, ...] = field(default=(), repr=False)
    every_us: int = 0

    @property
    def targets(self) -> list[str]:
        """Where it sends samples, in words without secrets."""
        plain = [name for name, meant in ((REALTIME, self.realtime), (LAKE, self.lake)) if meant]
        return plain + [f"{WEBHOOK}{shown_url(url)}" for url in self.webhooks]


def load_rules(path: Path | None = None) -> tuple[Rule, ...]:
    """Rules of a TOML file, or the shipped ones.

    Raises:
        RoutingError: It cannot be read or holds a mistake.
    """
    if path is None:
        return parse_rules(shipped_text(), SHIPPED)
    try:
        return parse_rules(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeError) as error:
        raise RoutingError(f"{path}: cannot be read: {error}") from error


def shipped_text() -> str:
    """The shipped rules as TOML."""
    return resources.files(__package__).joinpath(RULES_FILE).read_text(encoding="utf-8")


def rules_path(home: Path, setting: str) -> Path | None:
    """The rules file of a workspace: the one its setting names, else `routing.toml` in its folder, else None.

    Args:
        home: Folder of the workspace.
        setting: `[gateway] rules`; a relative path counts from the folder.
    """
    if setting:
        return home / Path(setting).expanduser()
    path = home / RULES_FILE
    return path if path.is_file() else None


def parse_rules(text: str, where: str = RULES_FILE) -> tuple[Rule, ...]:
    """Read rules.

    Args:
        text: TOML.
        where: Name of the file, for messages.

    Raises:
        RoutingError: It holds a mistake; names the rule and the place.
    """
    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RoutingError(f"{where}: not valid TOML: {error}") from error
    unknown = [key for key in given if key != "route"]
    if unknown:
        raise RoutingError(f"{where}: unknown key {unknown[0]!r}; rules are written as [[route]]")
    routes = given.get("route")
    if not isinstance(routes, list) or not routes or not all(isinstance(route, dict) for route in routes):
        raise RoutingError(f"{where}: there is no [[route]], so every sample would be dropped")
    rules = tuple(_rule(route, f"{where}: route {number}") for number, route in enumerate(routes, 1))
    names = [rule.name for rule in rules]
    for name in names:
        if names.count(name) > 1:
            raise RoutingError(f"{where}: there are two routes {name!r}; counts are kept by name")
    return rules


def _rule(given: Mapping[str, Any], where: str) -> Rule:
    name = given.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise RoutingError(f"{where}: name must be 1 to 40 letters, digits and _.- beginning with a letter or digit")
    where = f"{where} ({name})"
    for key in given:
        if key not in _KEYS:
            raise RoutingError(f"{where}: unknown key {key!r}; known: {', '.join(_KEYS)}")
    when = given.get("when")
    if not isinstance(when, str):
        raise RoutingError(f'{where}: when must be a text, an SQL condition such as "speed_kmh > 0", or "true"')
    try:
        condition = parse_condition(when)
    except RoutingError as error:
        raise RoutingError(f"{where}: when: {error}") from error
    targets = list(_targets(given.get("to"), where))
    return Rule(
        name,
        condition,
        REALTIME in targets,
        LAKE in targets,
        tuple(target.removeprefix(WEBHOOK) for target in targets if target.startswith(WEBHOOK)),
        _every(given.get("every"), where),
    )


def _targets(given: Any, where: str) -> Iterator[str]:
    allowed = 'to must be a list of "realtime", "lake" and "webhook:https://…"'
    if not isinstance(given, list) or not given:
        raise RoutingError(f"{where}: {allowed}")
    for at, target in enumerate(given, 1):
        if not isinstance(target, str) or not (target in (REALTIME, LAKE) or target.startswith(WEBHOOK)):
            raise RoutingError(f"{where}: {allowed}; target {at} is none of them")
        if target.startswith(WEBHOOK):
            _check_url(target.removeprefix(WEBHOOK), f"{where}: target {at}")
        yield target


def _check_url(url: str, where: str) -> None:
    """See that a webhook can be called; the address itself, which may hold a secret, is not told."""
    if not is_http_url(url):
        raise RoutingError(f"{where}: a webhook is written webhook:https://host/path (or http)")


def _every(given: Any, where: str) -> int:
    if given is None:
        return 0
    every_us = span_us(given)
    if every_us is None:
        raise RoutingError(f"{where}: every must be a time such as {EXAMPLES}, not {given!r}")
    return every_us
