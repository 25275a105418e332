"""`mixprior reverb`: FdnReverb fitted, rendered, and set by priors."""
