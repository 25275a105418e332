"""A graph runs to its end or raises what ended it, and leaves the process that asked for it as it was."""

import os
import signal
import threading
from dataclasses import dataclass

import apache_beam as beam
import pytest

from mixprior.pipeline.graphs import runner
from mixprior.pipeline.graphs.conveyed import Conveyed, conveying, original
from mixprior.pipeline.separation.model_store import ModelUnavailable
from mixprior.stats.errors import InputError

pytestmark = pytest.mark.slow


@conveying
def step(how: str) -> str:
    """Do what a worker may do."""
    if how == "refuse":
        raise ModelUnavailable("the model is not there: fetch it")
    if how == "fail":
        raise OSError(28, "No space left on device")
    if how == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "interrupt":
        raise KeyboardInterrupt
    return how


@dataclass
class Steps:
    """A graph of one step for each element."""

    elements: tuple[str, ...]

    def __call__(self, pipeline):
        _ = pipeline | beam.Create(self.elements) | beam.Reshuffle() | beam.Map(step)


@pytest.fixture(autouse=True)
def nothing_is_left():
    """Whatever ends a graph: the same handlers, hooks and threads as before."""
    before = (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT), threading.excepthook)
    yield
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT), threading.excepthook) == before


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_of_a_step_is_raised_as_what_it_was(workers):
    with pytest.raises(ModelUnavailable) as caught:
        runner.run(Steps(("refuse",)), (), workers)
    assert str(caught.value) == "the model is not there: fetch it"


def test_an_error_that_is_nobodys_mistake_is_named():
    with pytest.raises(RuntimeError, match=r"^OSError: \[Errno 28\] No space left on device$"):
        runner.run(Steps(("fail",)), (), 1)


def test_a_worker_that_dies_is_reported_and_the_next_graph_runs():
    ticks = []
    with pytest.raises(runner.WorkerDied, match=r"a worker process died .*continues from there"):
        runner.run(Steps(("die",)), (), 2, lambda: ticks.append(threading.current_thread()))
    assert set(ticks) == {threading.main_thread()}
    assert not [
        thread for thread in threading.enumerate() if not thread.daemon and thread is not threading.main_thread()
    ]
    runner.run(Steps(("pass",)), (), 2)


def test_an_interruption_says_that_nothing_is_lost():
    with pytest.raises(KeyboardInterrupt, match="continues from there"):
        runner.run(Steps(("interrupt",)), (), 1)


def test_an_interruption_while_workers_work_ends_them():
    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt, match="continues from there"):
        runner.run(Steps(("pass",)), (), 2, interrupt)


def test_an_error_is_known_by_its_type_not_by_words_in_a_traceback():
    error = RuntimeError("Traceback (most recent call last):\nmixprior.stats.errors.InputError: of somebody else")
    assert original(error) is error
    assert not isinstance(original(error), InputError)


def test_a_message_makes_no_module_but_ours_be_imported():
    error = RuntimeError('mixprior-error:{"module": "no_such_module", "type": "Fault", "message": "the disk is full"}')
    assert str(original(error)) == "Fault: the disk is full"


def test_an_error_that_a_runner_quotes_or_cuts_is_handed_on_as_it_is():
    conveyed = str(Conveyed.of(InputError('the disk "a" is full')))
    for text in (repr(conveyed), conveyed[:-5]):
        error = RuntimeError(text)
        assert original(error) is error
