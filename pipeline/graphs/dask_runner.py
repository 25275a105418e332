"""Beam's runner on Dask, corrected. docs/dask_runner.md describes each fault of Beam's own as an upstream issue.

- What `finish_bundle` gives is kept.
- `Reshuffle` spreads elements over partitions.
- Every leaf of the graph is computed, not only the last.
- A side input is a dependency of its step; Beam's own computes it again, inside the step.
- `teardown` is called where a bundle fails, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Any, cast

import apache_beam as beam
from apache_beam.runners.common import DoFnInvoker
from apache_beam.runners.dask import overrides
from apache_beam.runners.dask import transform_evaluator as evaluator
from apache_beam.runners.dask.dask_runner import DaskRunner, DaskRunnerResult
from apache_beam.transforms.sideinputs import SideInputMap
from apache_beam.transforms.window import GlobalWindows
from dask.bag import Bag
from dask.delayed import delayed
from distributed import Client

Bundle = Callable[..., list[Any]]
"""`run_bundle`, or what calls it."""


def run_bundle(
    items: Sequence[Any],
    invoker_arguments: Sequence[Any],
    invoker_keywords: dict[str, Any],
    receivers: evaluator.OneReceiver,
    *side_values: Sequence[Any],
) -> list[Any]:
    """Apply a DoFn to the elements of a partition.

    Args:
        items: windowed values.
        invoker_arguments: of `DoFnInvoker.create_invoker`, as Beam's `ParDo` makes them, with
        invoker_keywords: and with
        receivers: that take what the DoFn gives.
        side_values: elements of each side input.

    Returns:
        What the DoFn gave, in `finish_bundle`, too.
    """
    receivers.values.clear()  # of an earlier attempt
    sides = [
        SideInputMap(
            side._view_class,
            side._view_options,
            [evaluator.get_windowed_value(each, GlobalWindows()) for each in values],
        )
        for side, values in zip(invoker_keywords["side_inputs"] or (), side_values, strict=True)
    ]
    invoker = DoFnInvoker.create_invoker(*invoker_arguments, **{**invoker_keywords, "side_inputs": sides})
    invoker.invoke_setup()
    try:
        invoker.invoke_start_bundle()
        for item in items:
            invoker.invoke_process(item)
        invoker.invoke_finish_bundle()
    finally:
        invoker.invoke_teardown()
    return [received.value for received in receivers.values]


class Runner(DaskRunner):
    """Runs a graph on the workers of a client.

    Args:
        client: connected to the scheduler.
        partitions: that elements are dealt to.
        bundle: called in place of `run_bundle`, with its arguments.
    """

    def __init__(self, client: Client, partitions: int, bundle: Bundle = run_bundle) -> None:
        super().__init__()
        self.client, self.partitions, self.bundle = client, partitions, bundle

    def run_pipeline(self, pipeline: beam.Pipeline, options: Any) -> DaskRunnerResult:
        """Hand all of the graph to the scheduler."""
        pipeline.replace_all(overrides.dask_overrides())
        visitor: Any = self.to_dask_bag_visitor({"npartitions": self.partitions})
        with _translations(self.bundle):
            pipeline.visit(visitor)
        return DaskRunnerResult(self.client, self.client.compute(leaves(visitor.bags)))


def leaves(bags: dict[Any, Bag | None]) -> list[Bag]:
    """Return the bags that no other step takes.

    Args:
        bags: of steps (`AppliedPTransform`).
    """
    taken = {each.producer for step in bags for each in (*step.inputs, *(side.pvalue for side in step.side_inputs))}
    return [bag for step, bag in bags.items() if bag is not None and not step.parts and step not in taken]


@contextmanager
def _translations(bundle: Bundle) -> Iterator[None]:
    """Have Beam's visitor translate steps as here, while the context lasts."""
    before = dict(evaluator.TRANSLATIONS)
    evaluator.TRANSLATIONS.update({beam.ParDo: _par_do(bundle), overrides._Reshuffle: _Reshuffle})
    try:
        yield
    finally:
        evaluator.TRANSLATIONS.clear()
        evaluator.TRANSLATIONS.update(before)


def _par_do(bundle: Bundle) -> type[evaluator.ParDo]:
    class ParDo(evaluator.ParDo):
        def apply(self, input_bag: Any, side_inputs: Sequence[SideInputMap] | None = None) -> Bag:
            bags = [side._iterable.bag for side in side_inputs or ()]
            named = [SideInputMap(side._view_class, side._view_options, ()) for side in side_inputs or ()]
            return super().apply(cast(Bag, _Input(input_bag, bundle, bags)), named)

    return ParDo


class _Input:
    """A bag to which Beam's `ParDo` applies our bundle in place of its own."""

    def __init__(self, bag: Bag, bundle: Bundle, sides: Sequence[Bag]) -> None:
        self.bag, self.bundle, self.sides = bag, bundle, sides

    def map(self, *arguments: Any) -> _Input:
        return _Input(self.bag.map(*arguments), self.bundle, self.sides)

    def map_partitions(self, _faulty: Bundle, *arguments: Any) -> Bag:
        sides = [delayed(_all)(bag.to_delayed(optimize_graph=False)) for bag in self.sides]
        return self.bag.map_partitions(self.bundle, *arguments, *sides)


def _all(partitions: Sequence[Sequence[Any]]) -> list[Any]:
    return list(chain.from_iterable(partitions))


class _Reshuffle(evaluator.DaskBagOp):
    def apply(self, input_bag: Any, side_inputs: Any = None) -> Bag:
        return input_bag.repartition(npartitions=self.bag_kwargs["npartitions"])
