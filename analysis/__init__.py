"""Reading priors: open them, ask them, print them."""
