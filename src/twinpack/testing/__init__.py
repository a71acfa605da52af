"""Conformance checks for what others plug in: the same ones that twinpack's own parts have to pass."""

from __future__ import annotations

from twinpack.testing.models import Example, ModelReport, check_model

__all__ = ["Example", "ModelReport", "check_model"]
