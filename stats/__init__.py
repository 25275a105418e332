"""Pure numerics: arrays in, numbers out. Knows nothing of Beam, torch or files."""
