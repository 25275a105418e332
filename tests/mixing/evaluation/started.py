"""Rows that say how the process was started that made them; light, since a process that is started imports it."""

import multiprocessing


def rows_of(scene: str) -> list[dict]:
    return [{"scene": scene, "kind": type(multiprocessing.current_process()).__name__}]
