"""SIGTERM during training: finish the step, save, leave with an error that says how to go on."""

from wardround.stopping import Stopped, StopRequest, stop_on_sigterm

__all__ = ["StopRequest", "TrainingStopped", "stop_on_sigterm"]


class TrainingStopped(Stopped):
    """Training was asked to stop and saved its state; the same command goes on from there."""
