"""Runs of `mixprior mine` on real engines, with faults, compared with the default run byte by byte."""
