"""Telemetry of a vehicle: steps over time, newest values, and the end of the log that the lake does not have yet."""
