"""Rules: sounds and targets in, settings out. They read neither files nor priors."""
