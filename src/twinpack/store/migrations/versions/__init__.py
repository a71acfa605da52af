"""One module a revision, both directions."""
