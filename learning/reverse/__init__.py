"""A mix and its raw tracks in; gains, pans, equalisers and the rest of the mix, each with an interval, out."""
