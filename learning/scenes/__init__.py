"""Scenes to train on: stems of songs, normalised, damaged and with bleed, beside what they were."""
