"""Whether data have anything that a finished run reads, before it is asked: where no stay has, it knows nothing of any
of them, and says the same of all."""

from collections.abc import Collection

from wardround.errors import DataError
from wardround.train.data import OpenData
from wardround.train.run_folder import Run


def refuse_unreadable(run: Run, data: OpenData, hides: Collection[str] = ()) -> None:
    """Refuse data of which no stay has, at any time, a modality that a run reads.

    A stay that lacks them all among others that have some is asked like any other: it is what missing tokens are for.
    A row that reads no modality (`score`, `elapsed`) is never refused here.

    Args:
        run: a training or a pretraining.
        data: what it is asked of, or is to learn from next.
        hides: modalities that the task never shows.

    Raises:
        DataError: naming the run, what it reads and what the data have.
    """
    if run.featuriser is None:
        return
    reads = [name for name in run.featuriser.vocabulary.modalities if name not in hides]
    if any(data.n_with(name) for name in reads):
        return
    raise DataError(
        f"{run.folder} reads {', '.join(reads)}, and no stay of {data.folder} has any of them (they have "
        f"{', '.join(data.recorded) or 'nothing'}): it would say the same of every stay. Prepare data that have one "
        "of them, or take a run that was trained on what these have."
    )
