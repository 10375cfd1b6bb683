"""A stop that is asked for inside a step also stops the work around it."""

import os
import signal

import pytest

from wardround.stopping import Stopped, stop_on_sigterm


def test_a_stop_inside_a_step_is_not_lost_to_the_work_around_it():
    before = signal.getsignal(signal.SIGTERM)
    with stop_on_sigterm() as outer:
        with stop_on_sigterm() as inner:
            os.kill(os.getpid(), signal.SIGTERM)
        assert inner.made
        with pytest.raises(Stopped):
            outer.check()
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_stop_between_steps_is_of_the_work_alone():
    with stop_on_sigterm() as outer:
        with stop_on_sigterm() as inner:
            pass
        os.kill(os.getpid(), signal.SIGTERM)
        assert outer.made
        assert not inner.made


def test_a_step_that_begins_after_the_stop_hears_it():
    with stop_on_sigterm() as outer:
        os.kill(os.getpid(), signal.SIGTERM)
        with stop_on_sigterm() as middle, stop_on_sigterm() as inner:
            assert outer.made
            assert middle.made
            assert inner.made
    with stop_on_sigterm() as other:
        assert not other.made
