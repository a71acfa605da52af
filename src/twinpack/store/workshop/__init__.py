"""Maintenance of vehicles: what was done, and what is planned."""
