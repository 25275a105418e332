"""Priors that come with the package: published numbers with their sources, and a starter catalog."""
