"""Fourier transforms of several real signals at once, compiled by numba for the processor at hand."""
