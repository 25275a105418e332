"""`python -m mixprior.mixing.evaluation`."""

import sys

from mixprior.mixing.evaluation.command import main

if __name__ == "__main__":
    sys.exit(main())
