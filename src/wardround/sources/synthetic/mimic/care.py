"""What was done at the bedside, by the items of MetaVision, and what drugs were ordered."""

from typing import Final

import numpy as np
import polars as pl

from wardround.sources.synthetic.code import charted
from wardround.sources.synthetic.latent import sigmoid
from wardround.sources.synthetic.mimic.care_list import DRUGS, PROCEDURES
from wardround.sources.synthetic.mimic.fluids import Runs, runs_of
from wardround.sources.synthetic.mimic.item_list import ITEMS
from wardround.sources.synthetic.mimic.roster import Roster
from wardround.sources.synthetic.mimic.ventilator import Ventilator
from wardround.sources.synthetic.population import COMORBIDITY_NAMES
from wardround.sources.synthetic.stays import Stays

TUBE, MASK, CANNULA, ARTERIAL, CENTRAL, KIDNEY, DIALYSIS = 225792, 225794, 224275, 225752, 224263, 225802, 225441
LINES: Final = {ARTERIAL: (-1.6, 0.7), CENTRAL: (-2.0, 0.8)}
"""Log odds that a stay has the line, at severity 0 and their change with that at unit admission."""
TASK: Final = frozenset({225402, 225401, 225432, 225459, 224385, 227194, DIALYSIS})
"""Procedures that are done rather than last."""


def _rows(stay: np.ndarray, begin: np.ndarray, end: np.ndarray, item: int | np.ndarray) -> pl.DataFrame:
    return pl.DataFrame({"stay": stay, "begin": begin, "end": end, "itemid": np.broadcast_to(item, stay.shape).copy()})


def _lasting(roster: Roster, ventilator: Ventilator, rng: np.random.Generator) -> list[pl.DataFrame]:
    """A cannula in all; tube, mask, lines and kidney replacement in some."""
    stays, every = roster.stays, np.arange(roster.stays.size)
    stay, hour = stays.every_hour()
    seen, never = stays.seen("treatment", stay, hour), np.zeros(stay.size, dtype=bool)
    mask = ~ventilator.on & (seen > 0.9) & (rng.random(stays.size) < 0.15)[stay]
    kidney = (seen > 2.4) & (rng.random(stays.size) < 0.25)[stay]
    parts = [_rows(every, np.zeros_like(stays.unit_min), stays.unit_min, CANNULA)]
    for item, on in ((TUBE, ventilator.on), (MASK, mask), (KIDNEY, kidney)):
        runs: Runs = runs_of(stays, on, never, rng)
        parts.append(_rows(runs.stay, runs.begin, runs.end, item))
        if item == TUBE:
            parts.append(_rows(runs.stay, runs.begin, runs.begin + 1, 224385))
            out = runs.end < stays.unit_min[runs.stay]
            parts.append(_rows(runs.stay[out], runs.end[out], runs.end[out] + 1, 227194))
    first = stays.seen("treatment", every, np.zeros_like(every))
    for item, (level, slope) in LINES.items():
        who = every[rng.random(every.size) < sigmoid(level + slope * first)]
        begin = np.minimum(rng.integers(0, 180, who.size), stays.unit_min[who] - 1)
        parts.append(_rows(who, begin, stays.unit_min[who], item))
    return parts


def bedside_rows(roster: Roster, ventilator: Ventilator, before: int, rng: np.random.Generator) -> pl.DataFrame:
    """The rows of MIMIC-IV's `procedureevents`, with `stay`; `before` are the rows of the chunks before."""
    stays = roster.stays
    stay, code, minute = charted(stays, PROCEDURES, "treatment", rng)
    items = np.array([int(each.text) for each in PROCEDURES])
    parts = [*_lasting(roster, ventilator, rng), _rows(stay, minute, minute + 1, items[code])]
    dialysed = np.flatnonzero(stays.of_stay("comorbidity")[:, COMORBIDITY_NAMES.index("dialysis")])
    begin = np.minimum(rng.integers(60, 2880, dialysed.size), stays.unit_min[dialysed])
    rows = pl.concat([*parts, _rows(dialysed, begin, begin + 210, DIALYSIS)])
    stay, begin, end = (rows[name].to_numpy() for name in ("stay", "begin", "end"))
    task = pl.col("itemid").is_in(list(TASK))
    order = pl.Series(5_000_000 + before + np.arange(rows.height))
    group = pl.col("itemid").replace_strict({item: each.category for item, each in ITEMS.items()})
    lasted = pl.when(task).then(1).otherwise(pl.col("end") - pl.col("begin"))
    return rows.with_columns(
        **{name: pl.Series(value) for name, value in roster.ids(stay, "stay_id").items()},
        caregiver_id=pl.Series(rng.integers(1_000, 99_999, stays.size)).gather(stay),
        starttime=roster.stamp(stay, begin),
        endtime=roster.stamp(stay, end),
        storetime=roster.stamp(stay, end + rng.integers(0, 30, stay.size)),
        value=lasted,
        valueuom=pl.when(task).then(pl.lit("None")).otherwise(pl.lit("min")),
        location=pl.lit(None, pl.String),
        locationcategory=pl.lit(None, pl.String),
        orderid=order,
        linkorderid=order,
        ordercategoryname=group.str.replace(r"^\d-", ""),
        ordercategorydescription=pl.when(task).then(pl.lit("Task")).otherwise(pl.lit("ContinuousProcess")),
        patientweight=pl.Series(stays.weight_kg[stay]),
        isopenbag=pl.when(task).then(0).otherwise(1),
        continueinnextdept=pl.lit(0),
        statusdescription=pl.lit("FinishedRunning"),
        ORIGINALAMOUNT=lasted,
        ORIGINALRATE=pl.when(task).then(0).otherwise(1),
    )


def ordered(stays: Stays, rng: np.random.Generator) -> pl.DataFrame:
    """Orders of drugs: `stay, start, stop` (minutes from unit admission), `drug, route, dose_val_rx, dose_unit_rx`."""
    stay, code, start = charted(stays, DRUGS, "medication", rng)
    stop = start + np.floor(rng.exponential(1440, stay.size)).astype(np.int64) + 60
    route, dose, unit = (pl.Series([each.detail[part] for each in DRUGS]).gather(code) for part in range(3))
    return pl.DataFrame({"stay": stay, "start": start, "stop": stop}).with_columns(
        drug=pl.Series([each.text for each in DRUGS]).gather(code), route=route, dose_val_rx=dose, dose_unit_rx=unit
    )
