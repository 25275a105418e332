"""A run's folder and a priors folder on disk: read and written here alone. No Beam."""
