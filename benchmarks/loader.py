"""How fast events come from disk into batches: events a second of one epoch, nothing learned from them.

    python benchmarks/loader.py [--data DATA | --stays 20000] [--to RESULTS]

`gather` is the vectorised gather from the memory-mapped store of when, what and where each event is; `batches` makes
whole padded batches of the trajectory model (all modalities, hours, labels). The peer: the columns of `gather` read
stay by stay from a parquet file, by random access.
"""

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
import polars as pl
from measuring import cost_of, median_seconds, report
from prepare_eicu import wardround

from wardround.batches.order import within
from wardround.batches.sequences import SequenceBatches
from wardround.batches.store import EventStore, InputSettings, event_store, fit_featuriser
from wardround.tasks.cohort import Window
from wardround.train.cases import prediction_hours
from wardround.train.data import open_data

BUDGET, PEER_STAYS, REPEATS = 8192, 200, 3


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--stays", type=int, default=20_000)
    parser.add_argument("--to", type=Path)
    options = parser.parse_args()
    with TemporaryDirectory() as name:
        work = Path(name)
        folder = options.data or made_data(options.stays, work)
        data = open_data(folder, Window("causal", 24.0), quiet=True)
        cohort = data.cohort(None)
        store = event_store(data.lines, cohort, fit_featuriser(data.lines, cohort, InputSettings(), True), quiet=True)
        labels = np.full(cohort.frame.height, np.nan)
        members = np.arange(cohort.frame.height)
        batches = SequenceBatches(store, labels, prediction_hours(cohort), members, BUDGET, (0, 0))
        events = len(store.minute)
        gather = median_seconds(lambda: _gathered(store), REPEATS)
        whole = median_seconds(lambda: [batches.batch(place) for place in range(len(batches))], REPEATS)
        peer = _parquet_events_per_s(store, work)
        report(
            "loader",
            {
                "events": events,
                "gather_events_per_s": round(events / gather),
                "batches_events_per_s": round(events / whole),
                "parquet_random_access_events_per_s": round(peer),
                "ratio_batches_to_parquet": round(events / whole / peer, 1),
            },
            options.to,
        )


def made_data(stays: int, work: Path) -> Path:
    """A synthetic DATA folder."""
    cost_of(wardround("synth", "eicu", "--stays", str(stays), "--to", str(work / "raw")))
    cost_of(wardround("prepare", "eicu", str(work / "raw"), "--to", str(work / "data")), threads=2)
    return work / "data"


def _gathered(store: EventStore) -> None:
    """The rows of every event, stays in random order, a block of events at a time."""
    order = np.random.default_rng(0).permutation(len(store.offsets) - 1)
    begin, lengths = store.offsets[:-1][order], np.diff(store.offsets)[order]
    event = np.repeat(begin, lengths) + within(lengths)
    for part in np.array_split(event, max(len(event) // 65_536, 1)):
        store.minute[part], store.modality[part], store.row[part]


def _parquet_events_per_s(store: EventStore, work: Path) -> float:
    """The same columns of some stays, each read by a filter on its number."""
    lengths = np.diff(store.offsets)
    path = work / "events.parquet"
    stay = np.repeat(np.arange(len(lengths)), lengths)
    frame = {"stay": stay, "minute": store.minute, "modality": store.modality, "row": store.row}
    pl.DataFrame({name: np.asarray(values) for name, values in frame.items()}).write_parquet(
        path, row_group_size=65_536
    )
    chosen = np.random.default_rng(0).permutation(len(lengths))[:PEER_STAYS]
    begin = perf_counter()
    for one in chosen:
        pl.scan_parquet(path).filter(pl.col("stay") == int(one)).collect()
    return float(lengths[chosen].sum() / (perf_counter() - begin))


if __name__ == "__main__":
    main()
