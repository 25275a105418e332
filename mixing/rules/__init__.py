"""Rules: sounds and targets in, settings out. Know neither files nor priors."""
