"""Real positions learned from per core-second: the product's own loop, padded random batches, packed stays.

    python benchmarks/training_tokens.py [--data DATA | --stays 3000] [--hours 72 | --whole] [--to RESULTS]

A position is an event or its [PREDICT]; padding does not count. All three train a decoder of 4 layers x 256 in float32
on one core over the same stays:

    product   `train/loop.py` on the trajectory model and its length-bucketed batches
    padded    the same model and steps on batches of stays drawn at random, padded to the longest
    packed    a bare decoder without padding (`packed_decoder.py`), without encoders, head or data loading: a floor
"""

import argparse
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np
import torch
from loader import made_data
from measuring import report
from packed_decoder import PackedDecoder

from wardround.batches.sequences import SequenceBatches, sequence_batch
from wardround.batches.store import EventStore, InputSettings, event_store, fit_featuriser
from wardround.methods.registry import METHODS, build_embedder
from wardround.methods.trajectory import TrajectorySettings
from wardround.models.decoder import DecoderSettings
from wardround.tasks.cohort import Window
from wardround.tasks.task import find_task
from wardround.train.cases import prediction_hours
from wardround.train.data import open_data, row_shapes
from wardround.train.loop import fit
from wardround.train.settings import LoopSettings

DECODER = DecoderSettings(hidden=256, layers=4, heads=4, mlp_hidden=688)
BUDGET, STEPS, PADDED_STAYS = 2048, 12, 8


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--stays", type=int, default=3000)
    parser.add_argument("--hours", type=float, default=72.0, help="of each stay that lasts so long")
    parser.add_argument("--whole", action="store_true", help="the whole of every stay, as in the paper's protocol")
    parser.add_argument("--to", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    window = Window("paper", None) if options.whole else Window("causal", options.hours)
    with TemporaryDirectory() as name:
        work = Path(name)
        case = _Case(options.data or made_data(options.stays, work), window)
        product = case.positions_per_s(case.bucketed(), work / "product")
        padded = case.positions_per_s(case.padded(), work / "padded")
        packed = case.packed_positions_per_s()
        lengths = np.diff(case.store.offsets)
        report(
            "training_tokens",
            {
                "window": "whole stays" if options.whole else f"first {options.hours:g} h",
                "events_a_stay": {"median": float(np.median(lengths)), "p95": float(np.quantile(lengths, 0.95))},
                "product_positions_per_core_s": round(product),
                "padded_positions_per_core_s": round(padded),
                "packed_positions_per_core_s": round(packed),
                "ratio_product_to_padded": round(product / padded, 2),
                "ratio_product_to_packed": round(product / packed, 2),
            },
            options.to,
        )


class _Case:
    """Stays, and what is learned from them."""

    def __init__(self, folder: Path, window: Window) -> None:
        data = open_data(folder, window, quiet=True)
        self.task = find_task("mortality")
        cohort = data.cohort(self.task)
        self.featuriser = fit_featuriser(data.lines, cohort, InputSettings(), True)
        self.store: EventStore = event_store(data.lines, cohort, self.featuriser, quiet=True)
        self.label, self.at_h = cohort.frame["label"].to_numpy(), prediction_hours(cohort)

    def bucketed(self) -> list[Any]:
        """The product's batches; of one epoch, some."""
        everyone = np.arange(len(self.label))
        batches = SequenceBatches(self.store, self.label, self.at_h, everyone, BUDGET // 2, (0, 0))
        return [batches.batch(place) for place in range(min(STEPS, len(batches)))]

    def padded(self) -> list[Any]:
        """Random stays, `PADDED_STAYS` a batch, padded to the longest."""
        order = np.random.default_rng(0).permutation(len(self.label))
        parts = [order[i * PADDED_STAYS : (i + 1) * PADDED_STAYS] for i in range(STEPS)]
        return [sequence_batch(self.store, self.label, self.at_h, part) for part in parts]

    def positions_per_s(self, batches: list[Any], folder: Path) -> float:
        """The loop on these batches: two epochs of them, of which the second is timed."""
        torch.manual_seed(0)
        settings = replace(TrajectorySettings(), decoder=DECODER)
        shapes = row_shapes(self.featuriser)
        embedder = build_embedder(shapes, settings.encoder)
        model = METHODS["trajectory"].build(shapes, embedder, self.task, settings, 0.0)
        ends: list[float] = []

        def validate(_: torch.nn.Module) -> dict[str, float]:
            ends.append(perf_counter())
            return {"loss": 0.0}

        fit(model, lambda _: batches, validate, LoopSettings(epochs=2, precision="fp32"), folder, quiet=True)
        return sum(2 * int(batch.lengths.sum()) for batch in batches) / (ends[-1] - ends[-2])

    def packed_positions_per_s(self) -> float:
        """A bare decoder on the same stays without padding."""
        torch.manual_seed(0)
        decoder = PackedDecoder(DECODER.hidden, DECODER.layers, DECODER.heads, DECODER.mlp_hidden)
        adamw = torch.optim.AdamW(decoder.parameters(), fused=True)
        lengths = [[2 * int(n) for n in batch.lengths if n] for batch in self.bucketed()]
        begin = 0.0
        for epoch in range(2):
            begin = perf_counter() if epoch else begin
            for part in lengths:
                decoder(torch.randn(sum(part), DECODER.hidden), part).square().mean().backward()
                adamw.step()
                adamw.zero_grad()
        return sum(map(sum, lengths)) / (perf_counter() - begin)


if __name__ == "__main__":
    main()
