"""HTDemucs on a CPU, in C: see `engine.c`. Weights or processors that it does not know are left to PyTorch."""
