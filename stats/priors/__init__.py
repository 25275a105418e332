"""Rows in, mergeable sums and tables out. Knows no paths."""
