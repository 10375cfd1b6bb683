"""`diagnosis`, `treatment`, `medication` and `pastHistory`: what was found, done, ordered and asked.

When a code is charted, `code.py` says.
"""

import numpy as np
import polars as pl

from wardround.sources.synthetic.code import Code, charted
from wardround.sources.synthetic.eicu.diagnosis_list import DIAGNOSES, TREATMENTS
from wardround.sources.synthetic.eicu.drug_list import MEDICATIONS
from wardround.sources.synthetic.eicu.presentation import HISTORY_NONE, HISTORY_PERFORMED, PRESENTATIONS, history_row
from wardround.sources.synthetic.population import CAUSE_NAMES, COMORBIDITY_NAMES
from wardround.sources.synthetic.stays import Stays


def _still_active(stay: np.ndarray, rng: np.random.Generator) -> pl.Series:
    return pl.Series(["False", "True"]).gather((rng.random(stay.size) < 0.3).astype(np.int64))


def diagnosis_table(stays: Stays, rng: np.random.Generator) -> pl.DataFrame:
    """The rows of `diagnosis`: the cause of admission, then what else was found."""
    primary = [Code(p.diagnosis, 0.0, detail=(p.icd, "Primary")) for p in map(PRESENTATIONS.__getitem__, CAUSE_NAMES)]
    first = np.minimum(rng.integers(5, 120, stays.size), stays.unit_min)
    stay, code, offset = charted(stays, DIAGNOSES, "diagnosis", rng)
    stay = np.concatenate([np.arange(stays.size), stay])
    code = np.concatenate([stays.of_stay("cause"), code + len(primary)])
    codes = (*primary, *DIAGNOSES)
    return pl.DataFrame(
        {
            "stay": stay,
            "activeupondischarge": _still_active(stay, rng),
            "diagnosisoffset": np.concatenate([first, offset]),
            "diagnosisstring": pl.Series([item.text for item in codes]).gather(code),
            "icd9code": pl.Series([item.detail[0] for item in codes]).gather(code),
            "diagnosispriority": pl.Series([item.detail[1] for item in codes]).gather(code),
        }
    )


def treatment_table(stays: Stays, rng: np.random.Generator) -> pl.DataFrame:
    """The rows of `treatment`."""
    stay, code, offset = charted(stays, TREATMENTS, "treatment", rng)
    return pl.DataFrame(
        {
            "stay": stay,
            "treatmentoffset": offset,
            "treatmentstring": pl.Series([item.text for item in TREATMENTS]).gather(code),
            "activeupondischarge": _still_active(stay, rng),
        }
    )


def medication_table(stays: Stays, rng: np.random.Generator) -> pl.DataFrame:
    """The rows of `medication`: ordered up to an hour after, or some hours before, the start; a few cancelled."""
    stay, code, start = charted(stays, MEDICATIONS, "medication", rng)
    spelling = [name for item in MEDICATIONS for name in item.text.split("|")]
    name = pl.Series(spelling).gather(2 * code + rng.integers(0, 2, code.size))
    detail = [pl.Series([item.detail[part] for item in MEDICATIONS]).gather(code) for part in range(5)]
    hicl, dose, route, frequency, gtc = detail
    yes_no = pl.Series(["No", "Yes"])
    return pl.DataFrame(
        {
            "stay": stay,
            "drugorderoffset": start + rng.integers(-180, 61, stay.size),
            "drugstartoffset": start,
            "drugivadmixture": yes_no.gather(
                ((route == "IV") & (frequency == "Continuous")).fill_null(False).cast(pl.Int64)
            ),
            "drugordercancelled": yes_no.gather((rng.random(stay.size) < 0.035).astype(np.int64)),
            "drugname": name.set(pl.Series(rng.random(stay.size) < 0.15), None),
            "drughiclseqno": hicl,
            "dosage": dose,
            "routeadmin": route,
            "frequency": frequency,
            "loadingdose": pl.Series([None] * stay.size, dtype=pl.String),
            "prn": yes_no.gather(frequency.str.ends_with("PRN").fill_null(False).cast(pl.Int64)),
            "drugstopoffset": start + np.floor(rng.exponential(1440, stay.size)).astype(np.int64) + 1,
            "gtc": gtc,
        }
    )


def history_table(stays: Stays, rng: np.random.Generator) -> pl.DataFrame:
    """The rows of `pastHistory`: that it was taken and each comorbidity told (nine of ten), or no health problem."""
    known = stays.of_stay("comorbidity")
    told = np.where(rng.random(known.shape) < 0.9, known, False)
    rows = [HISTORY_PERFORMED, HISTORY_NONE, *map(history_row, COMORBIDITY_NAMES)]
    none = ~told.any(axis=1)
    stay, row = np.nonzero(np.column_stack([~none, none, told]))
    note = pl.Series(["Admission", "Comprehensive Progress"])
    taken = np.minimum(rng.integers(2, 90, stays.size), stays.unit_min)
    path, value, text = (pl.Series([item[part] for item in rows]).gather(row) for part in range(3))
    return pl.DataFrame(
        {
            "stay": stay,
            "pasthistoryoffset": taken[stay],
            "pasthistoryenteredoffset": (taken + rng.integers(1, 45, stays.size))[stay],
            "pasthistorynotetype": note.gather(rng.integers(0, 2, stays.size)[stay]),
            "pasthistorypath": path,
            "pasthistoryvalue": value,
            "pasthistoryvaluetext": text,
        }
    )
