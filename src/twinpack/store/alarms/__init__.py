"""Alarms: how findings join into them, what people do about them, and times in which they give no notice."""
