"""Measurements behind the performance claims: `make bench`."""
