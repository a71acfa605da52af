"""Faults found in the stream: data faults, trouble codes, cell anomalies."""
