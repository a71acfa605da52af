"""Simulated fleets with hidden truth, to prove a living twin against what it cannot see."""
