"""How data comes in, what could not be used, and SQL."""
