"""Numbers for people: real minus, thin spaces in thousands, digits that follow the uncertainty."""

from __future__ import annotations

import math

MINUS = "\N{MINUS SIGN}"
THIN_SPACE = "\N{THIN SPACE}"
MISSING = "\N{EN DASH}"


def number(value: float | None, decimals: int = 0) -> str:
    """A number for people: real minus, thin spaces in thousands, a dash when it is missing.

    >>> number(-12345.678, 1).isascii()
    False
    """
    if value is None or not math.isfinite(value):
        return MISSING
    text = f"{value:,.{decimals}f}".replace(",", THIN_SPACE)
    if not text.strip(f"-0.{THIN_SPACE}"):
        text = text.lstrip("-")
    return text.replace("-", MINUS)


def significant(value: float | None, digits: int = 3) -> str:
    """A number with so many leading digits (whole numbers keep all of theirs)."""
    if value is None or not math.isfinite(value) or value == 0.0:
        return number(value)
    exponent = int(f"{value:.{digits - 1}e}".partition("e")[2])
    return number(value, max(0, digits - 1 - exponent))


def decimals_for(uncertainty: float | None) -> int:
    """Decimals of a figure that is known to within `uncertainty`: two digits of it, 2 when it is not known."""
    if uncertainty is None or not math.isfinite(uncertainty) or uncertainty <= 0.0:
        return 2
    return max(0, 1 - math.floor(math.log10(float(f"{uncertainty:.1e}"))))


def with_uncertainty(value: float | None, uncertainty: float | None) -> str:
    """`value ± uncertainty`, both to the two leading digits of the uncertainty: more would not be known."""
    decimals = decimals_for(uncertainty)
    if uncertainty is None or not math.isfinite(uncertainty) or uncertainty <= 0.0:
        return number(value, decimals)
    return f"{number(value, decimals)} ± {number(uncertainty, decimals)}"


def signed(value: float, decimals: int = 0) -> str:
    """A difference: with its sign, but for one that rounds to nothing."""
    text = number(value, decimals)
    return f"+{text}" if value > 0 and text.strip(f"0.{THIN_SPACE}") else text


def counted(count: int, noun: str) -> str:
    """A number and its noun.

    >>> counted(1, "version"), counted(2, "version")
    ('1 version', '2 versions')
    """
    return f"{number(count)} {noun}{'' if count == 1 else 's'}"
