"""Is a mix by priors nearer to the original? Originals are damaged, mixed by every system, and judged."""
