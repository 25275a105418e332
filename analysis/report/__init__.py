"""Priors as one page for people."""
