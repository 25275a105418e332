"""What a row of features depends on besides the song, and the key that stands for all of it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass

from mixprior.pipeline.audio.decode import DecodeLimits
from mixprior.pipeline.separation.separator import SeparationSettings
from mixprior.pipeline.song.time_limits import USUAL, TimeLimits
from mixprior.stats.reverb.blind import estimate as blind
from mixprior.stats.schema import FEATURE_VERSION


@dataclass(frozen=True)
class MiningSettings:
    """How songs are mined: everything a worker needs to know.

    Attributes:
        separation: model and way of separating, with a concrete precision wherever something is separated.
        limits: what is refused before decoding.
        separate_all: separate even songs that come with stems: their mixture, or the sum of the stems.
        time_limits: of its stages.
        digests: folder of a run, under whose name digests of local files are kept from run to run; None to keep none.
        rehash: read all files, and keep their digests anew.
        copies: folder for remote files between naming a song and mining it, on one machine; None to leave none there.
    """

    separation: SeparationSettings
    limits: DecodeLimits
    separate_all: bool = False
    time_limits: TimeLimits = USUAL
    digests: str | None = None
    rehash: bool = False
    copies: str | None = None

    def provenance(self, has_stems: bool) -> dict[str, str | int | float | None]:
        """Return what the numbers depend on, for songs that come with stems or are separated."""
        facts: dict[str, str | int | float | None] = {
            "feature_version": FEATURE_VERSION,
            "reverb_model_sha256": blind.model_sha256(),
        }
        if has_stems and not self.separate_all:
            return {**facts, "stems": "from the catalog"}
        separation = asdict(self.separation)
        return {
            **facts,
            "stems": "separated",
            **{name: separation[name] for name in ("model", "weights_sha256", "precision", "overlap", "segment_s")},
        }

    def feature_key(self, has_stems: bool) -> str:
        """Return the first 16 hex digits of the sha256 of the provenance: the name of the features' folder."""
        text = json.dumps(self.provenance(has_stems), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]
