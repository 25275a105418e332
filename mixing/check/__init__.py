"""`mixprior check`: where the statistics of a song stand among those of a catalog."""
