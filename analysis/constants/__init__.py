"""Constants for effect normalisation and for mixers, from priors."""
