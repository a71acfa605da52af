"""One vehicle: its figures, latest values, trips and health."""
