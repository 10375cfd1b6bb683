"""Whether a launcher started this process beside others, and which of them writes and speaks.

`accelerate launch` and `torchrun` say it in the environment: WORLD_SIZE processes, numbered by RANK.
"""

import os


def launched_processes() -> int:
    """How many processes a launcher started; 1 without one."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_first_process() -> bool:
    """Whether this process is the one that writes and speaks. RANK says nothing of a process that is alone."""
    return launched_processes() == 1 or int(os.environ.get("RANK", "0")) == 0
