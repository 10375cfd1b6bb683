"""`prepare eicu` against a plain polars script on the same raw files: rows a second and peak memory.

    python benchmarks/prepare_eicu.py [--raw RAW | --stays 20000] [--to RESULTS]

Without `--raw` the raw folder is synthetic. Both read the same raw rows once, on one thread, but for those of
apachePatientResult, which ours alone reads and which count for both; ours also checks every value, converts units,
accounts for every row and holds a block of patients at a time. Ratios: ours / polars.
"""

import argparse
import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from measuring import cost_of, report

HERE = Path(__file__).parent


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--raw", type=Path)
    parser.add_argument("--stays", type=int, default=20_000)
    parser.add_argument("--to", type=Path)
    options = parser.parse_args()
    with TemporaryDirectory() as name:
        work = Path(name)
        raw = options.raw or work / "raw"
        if options.raw is None:
            cost_of(wardround("synth", "eicu", "--stays", str(options.stays), "--to", str(raw)))
        ours = cost_of(wardround("prepare", "eicu", str(raw), "--to", str(work / "data"), "--workers", "1"))
        floor = cost_of([sys.executable, str(HERE / "plain_polars_eicu.py"), str(raw), str(work / "events.parquet")])
        ledger = json.loads((work / "data" / "ledger.json").read_text())
        rows = sum(table["rows_in"] for table in ledger["tables"].values())
        report(
            "prepare_eicu",
            {
                "raw_rows": rows,
                "ours_rows_per_s": round(rows / ours.seconds),
                "polars_rows_per_s": round(rows / floor.seconds),
                "ours_peak_gib": round(ours.peak_gib, 2),
                "polars_peak_gib": round(floor.peak_gib, 2),
                "ratio_seconds": round(ours.seconds / floor.seconds, 2),
                "ratio_peak_memory": round(ours.peak_gib / floor.peak_gib, 2),
            },
            options.to,
        )


def wardround(*words: str) -> list[str]:
    """The command line of the package that is installed here."""
    return [sys.executable, "-m", "wardround", *words]


if __name__ == "__main__":
    main()
