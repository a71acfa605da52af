"""The command line: reads settings, wires the parts together, speaks to people and scripts."""
