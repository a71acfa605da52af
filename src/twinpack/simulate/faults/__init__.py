"""A fleet for fault detection: every cell of every vehicle through a year, with faults whose truth is known.

Unlike `simulate.physics`, which samples chosen drives of packs that age for years, this fleet is watched all the
time, as telematics does: in use each half minute, parked each half hour. Nothing is balanced, so that what a cell has
lost stays lost.
"""
