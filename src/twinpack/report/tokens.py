"""The design tokens: one table of colours with a light and a dark value, and the CSS written from it."""

from __future__ import annotations

from types import MappingProxyType

# role: (light, dark). The names say what a colour means, never its hue.
COLOURS = MappingProxyType(
    {
        "canvas": ("#F3F5F6", "#0C1317"),
        "surface": ("#FFFFFF", "#121B20"),
        "sunken": ("#F7F9FA", "#0F171B"),
        "raised": ("#FFFFFF", "#1A262D"),
        "hover": ("#EEF3F4", "#1B282F"),
        "line": ("#E0E6E9", "#24323A"),
        "line-strong": ("#C3CDD2", "#3A4B55"),
        "grid": ("#EAEEF0", "#1D2930"),
        "control": ("#7C8B94", "#6E808B"),
        "ink": ("#13212B", "#E7EEF1"),
        "ink-2": ("#41525D", "#B3C1C9"),
        "ink-3": ("#5C6C77", "#8C9DA7"),
        "on-accent": ("#FFFFFF", "#062229"),
        "accent": ("#0B7285", "#4FC4D6"),
        "accent-soft": ("#DDF0F3", "#12363E"),
        "accent-strong": ("#075664", "#8FE0EC"),
        "measured": ("#13212B", "#E7EEF1"),
        "estimated": ("#0B7285", "#4FC4D6"),
        "forecast": ("#6A4BBF", "#B09CF5"),
        "never": ("#B4532F", "#E58D68"),
        "never-strong": ("#96421F", "#F0A98B"),
        "never-soft": ("#F8E7E0", "#3A2419"),
        "cohort": ("#8896A0", "#7E909B"),
        "crit": ("#B00E3E", "#FF7A9C"),
        "crit-soft": ("#FBE3EA", "#45182A"),
        "warn": ("#9A5B00", "#F2B348"),
        "warn-soft": ("#FCEFD5", "#3D2D10"),
        "good": ("#1B7350", "#63CFA1"),
        "good-soft": ("#DEF1E8", "#123527"),
        "scenario-a": ("#174A85", "#5FA8FF"),
        "scenario-b": ("#1B7350", "#63CFA1"),
        "scenario-c": ("#8A6200", "#E0BC4A"),
    }
)

TEXT_FONT = "Inter, ui-sans-serif, system-ui, sans-serif"
MONO_FONT = '"JetBrains Mono", ui-monospace, monospace'


def css_variables() -> str:
    """Custom properties for both palettes: the system's choice, unless `data-theme` on the root says otherwise."""
    light, dark = _declarations(0, "light"), _declarations(1, "dark")
    fonts = f"--text:{TEXT_FONT};--mono:{MONO_FONT}"
    return (
        f":root{{{fonts};{light}}}\n"
        f"@media (prefers-color-scheme:dark){{:root:not([data-theme=light]){{{dark}}}}}\n"
        f":root[data-theme=dark]{{{dark}}}\n"
        f"@media print{{:root,:root[data-theme=dark],:root:not([data-theme=light]){{{light}}}}}\n"
    )


def contrast(first: str, second: str) -> float:
    """WCAG 2.2 contrast ratio of two `#RRGGBB` colours, 1 to 21."""
    high, low = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _declarations(theme: int, scheme: str) -> str:
    colours = ";".join(f"--{role}:{values[theme]}" for role, values in COLOURS.items())
    return f"color-scheme:{scheme};{colours}"


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(int(colour[i : i + 2], 16) / 255) for i in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)
