"""`report.html`: the pictures and the tables of the study on one page that needs no network."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from truth.charts import gain_chart, gap_chart
from truth.plan import METHODS, NO_MECHANISM
from truth.summary import ALL, Study, gain_rows, method_rows
from wardround.evaluate.chart_style import to_svg
from wardround.evaluate.page import Callout, Figure, Figures, Page, Section, Table
from wardround.tables import interval, number

Rows = Sequence[Mapping[str, Any]]
GAP = (
    "Best possible AUROC less that of a method, on the same held-out stays: lower is better. Bars are 95 % intervals "
    "over patients and seeds. Where nothing is missing the mechanism does not matter: each column has the same runs."
)
GAIN = (
    "AUROC on aligned encoders less that on random ones, paired by cohort. Shades of blue: each size, mean over "
    "mechanisms; black: mean over sizes and mechanisms, with its 95 % interval over patients and seeds."
)
BEST = (
    "The best possible knows the latent state at hour 24 and, where what is missing hangs on the outcome, the pattern "
    "of what is missing. A method sees blurred traces of the state alone, fewer with more missing: part of each gap is "
    "what nobody could know from the record."
)


def study_page(study: Study) -> Page:
    """The page; the same study gives the same page."""
    done, whole = len(study.cells), len(study.plan.cohorts()) * len(METHODS)
    methods, gains = method_rows(study), gain_rows(study)
    blocks = [Callout("note", "What the best possible is.", BEST)]
    if done < whole:
        blocks.append(Callout("warn", "The study is not complete.", f"{done:,} of {whole:,} cells are there."))
    figures = Figures([Figure(to_svg(gain_chart(gains, study.plan), "Gain of alignment by rate"), "Alignment", GAIN)])
    below = Figures([Figure(to_svg(gap_chart(methods, study.plan), "Gap by rate"), "Below the best", GAP)])
    return Page(
        "wardround · synthetic truth study",
        "How far from the best possible, and does alignment help?",
        "Cohorts of known true risk; each number is a mean over seeds, on the same held-out stays, with a 95 % "
        "interval over patients and seeds.",
        [("causal protocol", False), ("hour 24", False), (f"{done:,} of {whole:,} cells", done < whole)],
        [
            Section("before", "", blocks),
            Section("gain", "What alignment adds", [figures, _gains_table(gains)]),
            Section("gap", "Below the best possible", [below, *_method_tables(methods)]),
        ],
    )


def _gains_table(rows: Rows) -> Table:
    shown = [
        {
            "of": "change with missingness" if row["what"] == "change" else "gain",
            "model": "both" if row["method"] == ALL else row["method"],
            "stays": str(row["size"]),
            "missing": _rate(row["rate"]),
            "by": row["mechanism"],
            "AUROC [95 %]": _interval(row, "gain"),
            "seeds": str(row["seeds"]),
        }
        for row in rows
        if row["what"] == "change" or row["size"] == ALL
    ]
    return Table(list(shown[0]) if shown else ["of"], shown, words=("of", "model", "stays", "missing", "by"))


def _method_tables(rows: Rows) -> Iterator[Table]:
    for size in sorted({row["size"] for row in rows}):
        shown = [
            {
                "missing": _rate(row["rate"]),
                "by": "any" if row["mechanism"] == NO_MECHANISM else row["mechanism"],
                "method": row["method"],
                "AUROC [95 %]": _interval(row, "auroc"),
                "best": number(row["best_auroc"]),
                "gap [95 %]": _interval(row, "gap"),
                "seeds": str(row["seeds"]),
            }
            for row in rows
            if row["size"] == size
        ]
        yield Table(list(shown[0]), shown, f"{size:,} stays", folded=True, words=("missing", "by", "method"))


def _rate(rate: float | str) -> str:
    return rate if isinstance(rate, str) else f"{100 * rate:g} %"


def _interval(row: Mapping[str, Any], name: str) -> str:
    return interval({"value": row[name], "low": row[f"{name}_low"], "high": row[f"{name}_high"]})
