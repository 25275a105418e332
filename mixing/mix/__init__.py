"""`mixprior mix`: files in, a mix and its recipe out."""
