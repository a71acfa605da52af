"""The fleet: figures kept in memory, lists, cohorts and search."""
