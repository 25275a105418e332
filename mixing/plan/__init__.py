"""Steps of a mix: a rule called with targets from the priors, and why."""
