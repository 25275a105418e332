"""Tests of what a run would take."""
