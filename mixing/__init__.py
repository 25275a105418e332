"""Mixing by priors: measure, set, render, and say why."""
