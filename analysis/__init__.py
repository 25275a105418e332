"""Reading priors: open them, ask them, print them."""

from analysis.priors import open_priors as open_priors
from analysis.songs import open_songs as open_songs
