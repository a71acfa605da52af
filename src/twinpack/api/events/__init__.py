"""Live events: one reader of the registry tells all who listen, each only what may be seen."""
