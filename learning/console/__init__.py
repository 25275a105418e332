"""The console in torch: what `mixprior.mixing.effects` does, with gradients of sound and settings."""
