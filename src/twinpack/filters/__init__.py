"""Gaussian filters and the models they run: a model is written once, in plain arithmetic; no battery is known here."""
