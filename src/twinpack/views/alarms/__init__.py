"""Alarms: the inbox, one with its evidence and signals, and what people do about them."""
