"""Reverberation estimated from the vocals alone."""
