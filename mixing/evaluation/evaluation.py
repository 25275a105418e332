"""Rows of the evaluation: a scene, damaged for each task, mixed by each system and judged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import pyarrow.parquet as pq

from mixprior.analysis.priors import PACKAGED
from mixprior.analysis.song_rows import SongRows
from mixprior.mixing.effects.chain import VOCALS
from mixprior.mixing.evaluation import excerpts, separated
from mixprior.mixing.evaluation.desk import Desk
from mixprior.mixing.evaluation.judge import Judge
from mixprior.mixing.evaluation.kept_priors import shipped
from mixprior.mixing.evaluation.material import Material
from mixprior.mixing.evaluation.metrics import NAMES, ratio_lu
from mixprior.mixing.evaluation.scenes import Mixed, Scene
from mixprior.mixing.evaluation.systems import SYSTEMS
from mixprior.mixing.evaluation.tasks import PAIR, SEPARATED, SONG, TRACKS, Case, cases, of_song
from mixprior.mixing.evaluation.verdict import Row
from mixprior.mixing.plan.targets import Targets
from mixprior.pipeline.catalogs.roles import Recording
from mixprior.pipeline.store.layout import MEMBERS_FILE
from mixprior.stats.errors import InputError
from mixprior.stats.stem import StemSet

RATIO = "mix_ratio_lu"
"""The ratio of vocals to the rest in the mix itself."""
COLUMNS = (*NAMES, RATIO)


Part = tuple[str, str]
"""A scene by its name, and how it is mixed: `SONG`, `TRACKS` or `PAIR`."""


def parts_of_songs(material: Material, which: str) -> list[Part]:
    """Every whole song of a set.

    Raises:
        InputError: if the table of roles has no songs for it.
    """
    return [(name, SONG) for name in excerpts.songs(material, which)]


def parts_of_steps(material: Material, which: str) -> list[Part]:
    """Every excerpt of a set, tracks and pairs: one that has no such part has no rows of it. Raises as the other."""
    return [(name, planner) for planner in (TRACKS, PAIR) for name in excerpts.scenes(material, which)]


def rows_of(material: Material, which: str, part: Part) -> list[Row]:
    """The rows of a scene as a pair or as tracks; mixed with the packaged priors, as a user has them.

    Args:
        material: the folders.
        which: set of scenes.
        part: name and planner.

    Raises:
        InputError: if the packaged priors rest on a song of its artists.
    """
    name, planner = part
    makers = excerpts.songs(material, which) if planner == SONG else excerpts.scenes(material, which)
    scene = makers[name]()
    refuse_taught(scene, taught(material.recordings))
    if planner == SONG:
        like = another(material, which, scene) if scene.kind == SEPARATED else None
        to_try = of_song(scene, which, like is not None)
        return list(rows(scene, planner, to_try, shipped(), shipped([like]) if like else None))
    if planner == PAIR and not scene.is_pair and VOCALS in scene.parts:
        scene = scene.pair()
    if scene.is_pair != (planner == PAIR):
        return []
    return list(rows(scene, planner, cases(scene), shipped()))


def another(material: Material, which: str, scene: Scene) -> SongRows | None:
    """What is measured of the song that follows a separated one in its set, by another artist: to mix like it."""
    songs = separated.sung(material, which)
    own = next(k for k, song in enumerate(songs) if song.title == scene.name)
    others = (song for song in (*songs[own + 1 :], *songs[:own]) if not song.artists & scene.artists)
    song = next(others, None)
    if song is None:
        return None
    stems = separated.four_stems_of_windows(song, material)
    return SongRows.of_song(song.title, StemSet(stems, is_estimated=True))


def rows(
    scene: Scene, planner: str, to_try: Iterable[Case], targets: Targets, like: Targets | None = None
) -> Iterator[Row]:
    """Mix a scene with each damage by each system, and judge the mixes.

    Args:
        scene: the original.
        planner: `PAIR`, `TRACKS` or `SONG`.
        to_try: what is damaged, and mixed by what.
        targets: of the mixer.
        like: targets after another song.
    """
    judge = Judge(Mixed.summed(scene.by_role(scene.tracks), Desk.tail_db(scene)))
    about = {"scene": scene.name, "artist": scene.artist, "kind": scene.kind, "planner": planner}
    for case in to_try:
        desk = Desk(scene, case.damage, targets, like)
        damage = case.damage
        drawn = {"task": damage.task, "scale": f"{damage.scale:g}", "seed": str(damage.seed)}
        for name in case.systems:
            mixed = desk.mix(SYSTEMS[name])
            found: dict[str, float | None] = dict.fromkeys(COLUMNS)
            found |= judge.distances(mixed, case.metrics)
            if "ratio_lu" in case.metrics:
                found[RATIO] = ratio_lu(mixed)
            yield {**about, **drawn, "system": name, **found}


def taught(recordings: Sequence[Recording]) -> frozenset[str]:
    """Everybody who is heard on a song of the packaged priors, in small letters.

    Raises:
        InputError: if the table of roles lacks a song of them.
    """
    song_ids = set(pq.read_table(PACKAGED["starter"] / MEMBERS_FILE)["song_id"].to_pylist())
    known = {each.song_id: each.artists for each in recordings}
    if unknown := song_ids - set(known):
        raise InputError(f"the table of roles lacks songs of the packaged priors: {', '.join(sorted(unknown))}")
    return frozenset().union(*(known[song_id] for song_id in song_ids))


def refuse_taught(scene: Scene, artists: frozenset[str]) -> None:
    """Raise `InputError` if a scene has an artist on whose songs the priors rest."""
    if both := scene.artists & artists:
        raise InputError(f"{scene.name} cannot judge the packaged priors: they rest on a song of {', '.join(both)}")
