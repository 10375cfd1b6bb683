"""What Ray raises, said as an error of ours: what was lost, what a node lacks, what is full.

A fault in a task's own code stays what it is: it arrives as it would from a thread.
"""

import contextlib
import re
import sys
from collections.abc import Generator
from importlib.util import find_spec
from typing import Final

from ray import exceptions

from wardround.errors import ClusterError

GO_ON: Final = "Run the same command again to go on."
SAME_EVERYWHERE: Final = "install the same packages, in the same versions, on every node."
LOST: Final = (exceptions.WorkerCrashedError, exceptions.NodeDiedError, exceptions.ObjectLostError)
FULL: Final = (exceptions.ObjectStoreFullError, exceptions.OutOfDiskError)

_NO_MODULE: Final = re.compile(r"No module named '([^']+)'")
_NO_FUNCTION: Final = "failed to import on the worker"


@contextlib.contextmanager
def ray_errors(tries: int) -> Generator[None]:
    """Say in our words what Ray raises in the block.

    Args:
        tries: how often a task was begun before Ray gave it up.

    Raises:
        ClusterError: where workers were lost or ended for want of memory, where a node lacks a package, where what
            travels finds no room, where the cluster itself fails.
    """
    try:
        yield
    except exceptions.RayTaskError as error:
        lacking = _lacking(error)
        if lacking is None:
            raise
        raise ClusterError(f"A node of the Ray cluster lacks {lacking}: {SAME_EVERYWHERE}") from None
    except exceptions.OutOfMemoryError:
        raise ClusterError(
            f"A node of the Ray cluster is short of memory: a task was ended for that {tries} times. Give fewer "
            f"--workers, a smaller --memory-gib, or nodes with more memory. {GO_ON}"
        ) from None
    except LOST as error:
        raise ClusterError(f"The Ray cluster lost a task {tries} times ({type(error).__name__}). {GO_ON}") from None
    except FULL as error:
        raise ClusterError(
            f"The Ray cluster has no room for what travels to its workers ({type(error).__name__}): give its store "
            f"more memory, or free the disk of its temporary files. {GO_ON}"
        ) from None
    except exceptions.RuntimeEnvSetupError:
        raise ClusterError(
            "A node of the Ray cluster cannot start a worker (RuntimeEnvSetupError): Ray's log there says why."
        ) from None
    except exceptions.RayError as error:
        raise ClusterError(f"The Ray cluster failed ({type(error).__name__}): its log says why. {GO_ON}") from None


def _lacking(error: exceptions.RayTaskError) -> str | None:
    """What a node lacks where a task ended for that; None for a fault of the task's own code.

    A module that is not here either is no fault of the node. What a worker could not unpack could be packed here.
    """
    cause: object = error.cause
    named = _NO_MODULE.search(str(cause))
    if isinstance(cause, ModuleNotFoundError):
        name = cause.name or (named[1] if named else "")
        return f"the package {_top(name)}" if _is_here(name) else None
    was_sent = isinstance(cause, exceptions.RaySystemError) or _NO_FUNCTION in str(cause)
    if not was_sent:
        return None
    return f"the package {_top(named[1])}" if named else "what is needed to unpack a task"


def _top(name: str) -> str:
    return name.partition(".")[0]


def _is_here(name: str) -> bool:
    """Whether a module can be imported in this process."""
    if name in sys.modules:
        return True
    try:
        return bool(name) and find_spec(name) is not None
    except (ImportError, ValueError):  # of a package that is not here, or says nothing of itself
        return False
