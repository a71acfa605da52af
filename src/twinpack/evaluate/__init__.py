"""Judging: back-tests exactly as run, interval calibration, baselines."""
