"""Tables of docs/evidence.md: `python -m tools.evidence NAME...` makes them anew, all without a name."""
