"""The twin of a vehicle: state, history, versions, predictions, explanations."""
