"""Steps are judged case by case, and scenes are what is drawn."""

from __future__ import annotations

import numpy as np
import pytest

from mixprior.mixing.evaluation.verdict import compare, means

METRICS = ("balance_lu", "crest_db")


def rows(system: str, distances: dict[tuple[str, str], float | None]) -> list[dict]:
    empty = dict.fromkeys(METRICS)
    return [
        {**empty, "scene": scene, "damage": damage, "system": system, "kind": "true", "balance_lu": distance}
        for (scene, damage), distance in distances.items()
    ]


def cases(value: float, scenes: int = 8, damages: int = 3) -> dict[tuple[str, str], float | None]:
    return {(f"s{scene}", str(damage)): value + scene for scene in range(scenes) for damage in range(damages)}


def test_a_step_that_always_helps_is_better_and_by_how_much():
    found = compare(rows("with", cases(1.0)) + rows("without", cases(3.0)), "with", "without", "balance_lu")
    assert (found.mean, found.low, found.high, found.nearer, found.cases) == pytest.approx((-2, -2, -2, 1, 24))
    assert found.verdict == "better"
    reverse = compare(rows("with", cases(3.0)) + rows("without", cases(1.0)), "with", "without", "balance_lu")
    assert reverse.verdict == "worse"


def test_one_scene_that_helps_much_decides_nothing():
    ours = {**cases(1.0), ("s0", "0"): -20.0, ("s0", "1"): -20.0, ("s0", "2"): -20.0}
    found = compare(rows("with", ours) + rows("without", cases(0.9)), "with", "without", "balance_lu")
    assert found.mean < 0
    assert found.nearer == pytest.approx(3 / 24)
    assert found.verdict == "undecided"


def test_cases_that_one_of_them_lacks_are_left_out():
    ours = {**cases(1.0), ("s0", "0"): None}
    assert compare(rows("a", ours) + rows("b", cases(1.0)), "a", "b", "balance_lu").cases == 23
    assert compare(rows("a", ours), "a", "b", "balance_lu") is None


def test_means_leave_out_what_was_not_measured():
    found = means(rows("a", {("s", "0"): 1.0, ("s", "1"): None, ("t", "0"): 3.0}), ["a"], METRICS)
    assert found["a"]["balance_lu"] == 2.0
    assert np.isnan(found["a"]["crest_db"])
