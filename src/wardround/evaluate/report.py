"""`report.html` of an evaluation: one file that explains itself, with no identifier, no script and no address in it."""

from collections.abc import Iterator
from pathlib import Path

from wardround.evaluate.alerts import alerts_section
from wardround.evaluate.alignment_sections import alignment_sections
from wardround.evaluate.belief_examples import belief_section
from wardround.evaluate.cohort_sections import cohort_section, missingness_section
from wardround.evaluate.evidence import Evidence, read_evidence
from wardround.evaluate.headline import chips, headline_section, lead, title
from wardround.evaluate.internal import internal_section
from wardround.evaluate.label_sections import label_section
from wardround.evaluate.making_sections import making_section
from wardround.evaluate.metric_tables import every_number_section
from wardround.evaluate.page import Page, Section, write_page
from wardround.evaluate.performance_sections import performance_sections

REPORT = "report.html"


def write_report(evaluation: Path, run: Path, data: Path) -> None:
    """Write `evaluation/report.html`, atomically.

    The same folders give the same bytes: no clock, no path and no chance goes in.

    Args:
        evaluation: holds `metrics.json` and, where the method has them, `predictions.parquet`, `beliefs.parquet`,
            `embedding.parquet`.
        run: the RUN that was evaluated.
        data: the DATA that it was evaluated on.

    Raises:
        RunError: where the evaluation or the run lacks a file.
        DataError: where the data does.
        StorageError: if the disk refuses.
    """
    evidence = read_evidence(evaluation, run, data)
    page = Page("wardround · evaluation", title(evidence), lead(evidence), chips(evidence), list(_sections(evidence)))
    write_page(evaluation / REPORT, page)


def _sections(evidence: Evidence) -> Iterator[Section]:
    yield headline_section(evidence)
    yield cohort_section(evidence)
    missing = missingness_section(evidence)
    if missing is not None:
        yield missing
    if evidence.is_alignment:
        yield from alignment_sections(evidence)
    else:
        elsewhere = internal_section(evidence)
        if elsewhere is not None:
            yield elsewhere
        labels = label_section(evidence)
        if labels is not None:
            yield labels
        yield from performance_sections(evidence)
        beliefs = belief_section(evidence)
        if beliefs is not None:
            yield beliefs
        yield alerts_section(evidence)
        yield every_number_section(evidence)
    yield making_section(evidence)
