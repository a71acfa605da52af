"""What a fleet teaches: prototypes fitted to its first trips, priors and noise."""
