"""Priors as one page: templates, a style sheet, charts."""
