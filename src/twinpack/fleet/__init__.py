"""The fold: trips, twins and detection composed over a shard of vehicles, and the events that come out."""
