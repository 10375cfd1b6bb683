"""SIGTERM during training: finish the step, or the tree of a teacher, save, leave and say how to go on."""

from wardround.stopping import Stopped, StopRequest, stop_on_sigterm

__all__ = ["StopRequest", "TrainingStopped", "stop_on_sigterm"]


class TrainingStopped(Stopped):
    """Training was asked to stop and saved its state, if it had begun; the same command goes on from there."""
