"""Errors that cross from a step of a graph to the command: Beam hands on text alone, so the type travels in it."""

from __future__ import annotations

import functools
import importlib
import inspect
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, cast

from mixprior.stats.errors import InputError, Stopped

Step = TypeVar("Step", bound=Callable[..., Any])
_MARK = "mixprior-error:"


class Conveyed(Exception):
    """An error of a step, as text that `original` reads: a mark, then a JSON object of its type and message."""

    @classmethod
    def of(cls, error: Exception) -> Conveyed:
        """Return an error as text."""
        kind = type(error)
        fact = {"module": kind.__module__, "type": kind.__qualname__, "message": str(error)}
        return cls(f"{_MARK}{json.dumps(fact)}")


def conveying(step: Step) -> Step:
    """Let the errors of a function or generator that Beam calls be `Conveyed`."""
    if inspect.isgeneratorfunction(step):

        @functools.wraps(step)
        def generate(*args: Any, **keywords: Any) -> Iterator[Any]:
            with _conveyed():
                yield from step(*args, **keywords)

        return cast(Step, generate)

    @functools.wraps(step)
    def call(*args: Any, **keywords: Any) -> Any:
        with _conveyed():
            return step(*args, **keywords)

    return cast(Step, call)


def original(error: BaseException) -> BaseException:
    """Return the error that a step raised.

    Args:
        error: what Beam's runner raised, with the text of the step's error somewhere in its own.

    Returns:
        The `KeyboardInterrupt` that stopped it in this process, which Beam wraps; an `InputError` or `Stopped`, or a
        subclass, if that is what the step raised; a `RuntimeError` that names the type of another; `error` itself if no
        step conveyed one.

    >>> original(RuntimeError(f"Traceback ... {Conveyed.of(InputError('the disk is full'))} [while running 'Write']"))
    InputError('the disk is full')
    >>> original(RuntimeError(str(Conveyed.of(KeyError("a")))))
    RuntimeError("KeyError: 'a'")
    """
    seen: list[BaseException] = []
    behind: BaseException | None = error
    while behind is not None and behind not in seen:
        if isinstance(behind, KeyboardInterrupt):
            return behind
        seen.append(behind)
        behind = behind.__cause__ or behind.__context__
    _, mark, text = str(error).partition(_MARK)
    if not mark:
        return error
    try:
        fact, _ = json.JSONDecoder().raw_decode(text)
    except ValueError:  # a runner elsewhere that quotes or cuts what it hands on
        return error
    # Names come from text, which a song's path may be part of: no module but ours is imported by one.
    ours = str(fact["module"]).startswith("mixprior.")
    kind = getattr(importlib.import_module(fact["module"]), fact["type"], None) if ours else None
    if isinstance(kind, type) and issubclass(kind, InputError | Stopped):
        return kind(fact["message"])
    return RuntimeError(f"{fact['type']}: {fact['message']}")


@contextmanager
def _conveyed() -> Iterator[None]:
    try:
        yield
    except Conveyed:
        raise
    except Exception as error:
        raise Conveyed.of(error) from error
