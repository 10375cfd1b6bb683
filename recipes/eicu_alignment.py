"""eICU demo: does alignment bring the modalities of a stay together? Retrieval and mixing, a row a loss.

    .venv/bin/python recipes/eicu_alignment.py eicu-demo/ --to out/eicu_alignment

Encoders are pretrained on the training patients of one split, causal at 24 h, with each loss and with none, and asked
on the held-out patients: Recall@1/5/10 over all ordered pairs of modalities beside the random baseline K/N, its factor,
and the silhouette of the embeddings by modality (0: well mixed). Intervals are over patients, 1,000 draws. Writes
`results.json` and `results.md`; runs are kept, and a second call goes on where the first stopped. Cost: some three
minutes on one core.

The tables of docs/results.md are of earlier versions, and of another copy of the demo than `fetch` brings: 1,765 unit
stays of 1,287 patients, `lab` and `vitalPeriodic` rebuilt from hourly tables, no `nurseCharting`.
"""

import argparse
from pathlib import Path
from typing import Any

from wardround.evaluate.alignment import evaluate_alignment
from wardround.evaluate.question import Question
from wardround.files import write_json, write_text
from wardround.progress import progress
from wardround.settings import override
from wardround.sources.eicu import EICU
from wardround.sources.pipeline import prepare
from wardround.tables import interval
from wardround.tasks.cohort import Window
from wardround.tasks.splits import SplitPlan
from wardround.train.plan import PretrainSettings
from wardround.train.pretrain import pretrain
from wardround.train.run_folder import open_run

LOSSES = ("masked-global", "one-vs-others", "all-pairs", "none")
RETRIEVAL = ("recall@1", "recall@5", "recall@10", "improvement@1")


def main() -> None:
    """Run the recipe."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("raw", type=Path, help="a raw eICU folder")
    parser.add_argument("--to", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0, help="of the split, the weights and the draws")
    options = parser.parse_args()
    data = options.to / "data"
    prepare(EICU, options.raw, data, workers=2, quiet=True)
    found = {loss: measured(loss, data, options.to, options.seed) for loss in progress(LOSSES, "losses", quiet=False)}
    write_json(options.to / "results.json", found)
    write_text(options.to / "results.md", table(found))


def measured(loss: str, data: Path, to: Path, seed: int) -> dict[str, Any]:
    """Pretrain with a loss and ask the held-out patients; what `wardround evaluate` writes to metrics.json."""
    run, window, split = to / "runs" / loss, Window(), SplitPlan(seed=seed)
    settings = override(PretrainSettings(), [f"alignment.loss={loss}"])
    pretrain(data, run, window, split, settings, seed, quiet=True)
    return evaluate_alignment(open_run(run), data, Question(seed=seed), quiet=True)[0]


def table(found: dict[str, Any]) -> str:
    """A Markdown table: a row a loss, below the random baseline."""
    one = next(iter(found.values()))
    chance = ", ".join(f"@{k} {one['retrieval']['mean'][f'baseline@{k}']:.3f}" for k in (1, 5, 10))
    lines = [
        f"{one['n_stays']:,} held-out stays of {one['n_subjects']:,} patients; a random order finds {chance}",
        "",
        "| loss | " + " | ".join(RETRIEVAL) + " | silhouette by modality |",
        "|---|" + "---|" * (len(RETRIEVAL) + 1),
    ]
    for loss, metrics in found.items():
        row = [metrics["retrieval"]["intervals"][name] for name in RETRIEVAL]
        row.append(metrics["silhouette"]["interval"])
        lines.append(f"| {loss} | " + " | ".join(map(interval, row)) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
