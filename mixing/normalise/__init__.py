"""`mixprior normalize`: stems brought to the constants of a catalog."""
