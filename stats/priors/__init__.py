"""Rows in, mergeable sums and tables out. No paths."""
