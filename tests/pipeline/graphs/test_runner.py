"""Beam's options go through as they were given, and ours do not get in their way."""

import argparse

import pytest

from mixprior.pipeline.graphs import runner


def parse(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--debug", action="store_true")
    runner.add_arguments(parser)
    return parser.parse_args(arguments)


def test_options_of_beam_reach_the_pipeline():
    args = parse("--runner=DataflowRunner", "--project", "p", "--num_workers=3", "--experiments=a", "--experiments=b")
    given = runner.pipeline_options(args).get_all_options(drop_default=True)
    assert given == {"runner": "DataflowRunner", "project": "p", "num_workers": 3, "experiments": ["a", "b"]}
    assert not runner.is_local(args)


def test_without_a_runner_the_run_is_local():
    assert runner.is_local(parse())


def test_a_failing_graph_raises_what_it_failed_of():
    def build(pipeline):
        import apache_beam as beam

        _ = pipeline | beam.Create([1]) | beam.Map(lambda _: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        runner.run(build, parse(), 1, lambda: None)
