"""The population that chunks of stays are drawn from, in the layout of any database."""

from dataclasses import replace

import polars as pl

from wardround.sources.synthetic.layout import Layout
from wardround.sources.synthetic.made import Chunk, Draw, Made
from wardround.sources.synthetic.missingness import draw_missing
from wardround.sources.synthetic.odd_rows import OddRows
from wardround.sources.synthetic.population import draw_admissions, draw_hospitals
from wardround.sources.synthetic.reference import draw_reference
from wardround.sources.synthetic.settings import stream
from wardround.sources.synthetic.stays import run_stays
from wardround.sources.synthetic.truth import hour_truth, stay_truth


class Cohort:
    """The patients of a layout's settings and seed."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.hospitals = draw_hospitals(layout.people.hospitals, layout.seed)
        self.reference = draw_reference(layout.settings.mortality, self.hospitals, layout.seed, layout.people.visiting)

    def chunk(self, made: Made, patients: int, wanted: int) -> Chunk:
        """Draw the next chunk.

        Args:
            made: by the chunks before.
            patients: to draw.
            wanted: stays, at most.

        Returns:
            Their stays.
        """
        layout, seed, shift = self.layout, self.layout.seed, self.reference.shift
        rng = stream(seed, made.chunks, "admissions")
        people = layout.people
        drawn = draw_admissions(patients, shift, people.orphan_rate, self.hospitals, rng, people.visiting)
        stays = run_stays(drawn, wanted, layout.spec.tau, stream(seed, made.chunks, "stays"))
        draw = Draw(stays, made, seed)
        lots = {name: lot(stays) for name, lot in layout.spec.decided_with.items()}
        missing = draw_missing(
            stays, layout.missing_rates, lots, layout.settings, self.reference, draw.stream("missing")
        )
        written = layout.write(draw, missing)
        planted = OddRows(next_id=made.odd_rows.next_id)
        if layout.settings.odd_rows:
            written = replace(written, tables=self._planted(planted, draw, written.tables))
        facts = {
            "stays": stays.size,
            "patients": patients,
            "hospital_stays": drawn.patient.size,
            "rows": written.rows,
            "odd_rows": {**planted.as_json(), "next_id": planted.next_id},
            "files": sorted(written.files),
        }
        hours = hour_truth(stays, written.ids["stay_id"].to_numpy())
        return Chunk(
            written, {"stays": stay_truth(stays, missing, written.ids), "hours": hours, **written.truth}, facts
        )

    def _planted(self, planted: OddRows, draw: Draw, tables: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
        kinds = self.layout.spec.odd
        return {name: planted.plant(kinds, name, rows, draw.stream(f"odd {name}")) for name, rows in tables.items()}
