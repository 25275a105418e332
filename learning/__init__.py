"""What learns to mix, in torch: a console that gradients pass through, and all that is trained by it."""

if not __name__.startswith("mixprior."):  # a second copy of the module would be loaded from a checkout's root
    raise ImportError(f"import mixprior.{__name__}, not {__name__}: the folder is part of the package mixprior")
