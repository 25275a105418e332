"""Runs of any number of songs without audio."""
