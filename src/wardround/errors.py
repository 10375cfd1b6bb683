"""Every error that wardround raises on purpose, in one tree.

    WardroundError                something went wrong and the message says what to do (exit code 1)
    ├── UsageError                the call itself is off: an unknown name, two options that exclude each other (code 2)
    ├── SourceError               a raw table is missing, or its columns are not the ones that the source declares
    │   └── BrokenFileError       a file cannot be read to its end: cut, tampered with, not what its name says
    ├── DataError                 a DATA folder is incomplete, altered or has nothing for the task
    │   └── NoScoreError          nobody who is asked has a published score
    ├── RunError                  a folder is incomplete, altered, somebody else's, or was made with other settings
    │   ├── ClusterError          a cluster that work was handed to is not there, not fit, or loses it
    │   └── Stopped               work was asked to stop, and can be gone on with (stopping.py)
    │       └── TrainingStopped   a training was, and saved its state (train/stopping.py)
    ├── LeakageError              what was asked would let the answer reach the model
    ├── ExtensionError            an installed package offers something that cannot be used (extensions.py)
    ├── FetchError                a download failed, or what came is not what was published
    └── StorageError              the disk refused: full, read-only, an I/O error

A message names the file, the column, the count and the remedy. It never holds a value from a patient's row.
"""


class WardroundError(Exception):
    """The root of the tree; its text is one clear line for a person."""

    exit_code = 1


class UsageError(WardroundError):
    """The call is off: an unknown name or options that do not go together."""

    exit_code = 2


class SourceError(WardroundError):
    """A raw table is missing or does not have the declared columns."""


class BrokenFileError(SourceError):
    """A file cannot be read to its end."""


class DataError(WardroundError):
    """A DATA folder is incomplete, altered, or has nothing for the task."""


class NoScoreError(DataError):
    """Nobody who is asked has a published score."""


class RunError(WardroundError):
    """A RUN folder is incomplete, altered, or was made with other settings."""


class ClusterError(RunError):
    """A cluster that work was handed to does not answer, is not fit for it, or loses it time and again."""


class LeakageError(WardroundError):
    """What was asked would let the answer reach the model."""


class ExtensionError(WardroundError):
    """An installed package offers something that cannot be used."""


class FetchError(WardroundError):
    """A download failed, or what came is not what was published."""


class StorageError(WardroundError):
    """The disk refused: full, read-only, or an I/O error."""
