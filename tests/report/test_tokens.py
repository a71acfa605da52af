from __future__ import annotations

import pytest

from twinpack.report.tokens import COLOURS, contrast, css_variables

TEXT_ON_GROUND = [
    ("ink", "surface"),
    ("ink", "hover"),
    ("ink-2", "surface"),
    ("ink-2", "canvas"),
    ("ink-2", "hover"),
    ("ink-3", "surface"),
    ("ink-3", "canvas"),
    ("ink-3", "hover"),
    ("accent-strong", "surface"),
    ("accent-strong", "accent-soft"),
    ("never-strong", "surface"),
    ("good", "good-soft"),
    ("crit", "crit-soft"),
    ("on-accent", "accent"),
]
MARK_ON_GROUND = [("estimated", "surface"), ("never", "surface"), ("measured", "surface"), ("control", "surface")]


def test_contrast_of_black_and_white_is_twenty_one() -> None:
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21.0)
    assert contrast("#777777", "#777777") == pytest.approx(1.0)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), TEXT_ON_GROUND)
def test_text_is_readable(text: str, ground: str, theme: int) -> None:
    assert contrast(COLOURS[text][theme], COLOURS[ground][theme]) >= 4.5


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("mark", "ground"), MARK_ON_GROUND)
def test_marks_and_controls_stand_out(mark: str, ground: str, theme: int) -> None:
    assert contrast(COLOURS[mark][theme], COLOURS[ground][theme]) >= 3.0


def test_the_style_sheet_knows_both_palettes_and_the_readers_choice() -> None:
    css = css_variables()

    assert css.count("--ink:#13212B") == 2  # on screen and on paper
    assert css.count("--ink:#E7EEF1") == 2  # by the system and by choice
    assert "prefers-color-scheme:dark" in css
