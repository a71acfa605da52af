"""The loop that feeds the fold and commits its events and the offset together."""
