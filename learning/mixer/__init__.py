"""The console mixer: a network that moves the controls of the console about what the priors say."""
