"""Programs of this project's makers: benches, test material, what docs hold. Run from the root, never installed."""

from pathlib import Path

ROOT = Path(__file__).parent.parent
SHARED = ROOT.parent / "shared"
"""Reference material beside the checkout: songs, impulse responses, the plug-in's responses."""
ROLES = ROOT / "tools" / "data_roles.csv"
"""What each recording may be used for: `mixprior.pipeline.catalogs.roles`."""
