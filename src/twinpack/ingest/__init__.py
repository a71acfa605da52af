"""File sources, the durable log and what was turned away."""
