"""Cells: all at a moment, one over time, the spread over days."""
