"""Planners that run a trained network, without torch."""
