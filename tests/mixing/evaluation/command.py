"""What the two evaluations are as commands."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.mixing.evaluation import results, separated
from tests.mixing.evaluation.leave_one_out import OUTPUT, prepare
from tests.mixing.evaluation.verdict import Row


@dataclass(frozen=True)
class Evaluation:
    """An evaluation: scenes, damaged and mended.

    Attributes:
        description: in a sentence.
        name: of its files in outputs/mix_eval: rows as .csv, tables as .md.
        metrics: names of the distances.
        scenes: names of all scenes; empty without the shared music.
        quick: some of them.
        scrambles: damages drawn for each scene, by default.
        of_scene: makes the rows of a scene from its name and the number of damages; at the top of its module.
        report: makes the tables of all rows.
    """

    description: str
    name: str
    metrics: Sequence[str]
    scenes: Sequence[str]
    quick: Sequence[str]
    scrambles: int
    of_scene: Callable[[str, int], Sequence[Row]]
    report: Callable[[Sequence[Row]], str]

    def main(self) -> None:
        """Evaluate as the command line says, and write and print the tables."""
        parser = argparse.ArgumentParser(description=self.description)
        parser.add_argument("--quick", action="store_true", help=f"one scramble of {len(self.quick)} scenes")
        parser.add_argument("--scrambles", type=int, default=self.scrambles, metavar="N", help="damages of each scene")
        parser.add_argument("-j", "--workers", type=int, default=2, help="processes (2)")
        parser.add_argument("--tables", action="store_true", help="only the tables, from the rows of an earlier run")
        args = parser.parse_args()
        path = OUTPUT / f"{self.name}{'_quick' if args.quick else ''}.csv"
        if not args.tables:
            if not self.scenes:
                raise SystemExit("the shared music does not lie beside the project: there is nothing to mix")
            began = time.perf_counter()
            separated.main()
            prepare(song.name for song in separated.sung())
            names, scrambles = (self.quick, 1) if args.quick else (self.scenes, args.scrambles)
            results.write(path, self.metrics, self.of_scene, names, scrambles, args.workers)
            print(f"\n{time.perf_counter() - began:.0f} s\n")
        text = self.report(list(results.read(path, self.metrics)))
        path.with_suffix(".md").write_text(text, "utf-8")
        print(text)
