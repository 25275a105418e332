"""What `docs/` holds, written from runs."""
