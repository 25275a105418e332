"""Numbers: sounds, measures, reverb, mergeable priors. No Beam, torch or files."""

if not __name__.startswith("mixprior."):  # a second copy of the module would be loaded from a checkout's root
    raise ImportError(f"import mixprior.{__name__}, not {__name__}: the folder is part of the package mixprior")
