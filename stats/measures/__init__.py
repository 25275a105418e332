"""Measures: an array in, a number out. Each file ends in the statistics it adds to the registry."""
