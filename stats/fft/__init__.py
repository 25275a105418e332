"""Fourier transforms of eight real signals at once, compiled by numba for the processor at hand."""
