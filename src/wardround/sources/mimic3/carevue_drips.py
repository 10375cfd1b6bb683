"""MIMIC-III, inputevents_cv: what CareVue charts of drugs and fluids given, as events.

CareVue has points of time and no ends. A row has the rate to which a drip was set, or the amount that ran in since the
last such row, or says that it stopped. A row becomes, known when it was stored:

    INFUSION//DRUG//UNIT      its rate; one that is charted as stopped is 0, whatever rate stands beside it
    BOLUS_AMOUNT//NAME//UNIT  its amount, which ends no infusion
    INFUSION_END//DRUG        1, where it has a rate or says that the drip stopped: what was charted before ends here

So a rate holds until the next charting of its drug (`concepts/infusions.py`), and nothing is said of a drip before that
charting is known. Two bags of one drug are charted as one drip. A rate of vasopressors by mass alone (mcg/min, in the
first years) keeps its own unit: no weight stands beside it.
"""

from collections.abc import Mapping
from itertools import product
from typing import Final

import polars as pl

from wardround.sources.conversion import EventTable, candidates, with_reason
from wardround.sources.mimic.placing import clocked
from wardround.sources.mimic.treatments import ITEM_NAME, rate_candidates
from wardround.sources.mimic3.columns import INPUTEVENTS_CV
from wardround.sources.mimic3.placing import by_icustay

DRUGS: Final[Mapping[int, str]] = {
    **dict.fromkeys((30047, 30120), "norepinephrine"),
    **dict.fromkeys((30044, 30119, 30309), "epinephrine"),
    **dict.fromkeys((30043, 30307), "dopamine"),
    **dict.fromkeys((30042, 30306), "dobutamine"),
    **dict.fromkeys((30127, 30128), "phenylephrine"),
    30125: "milrinone",
    30051: "vasopressin",
    30045: "insulin - regular",
    30131: "propofol",
    30118: "fentanyl",
    30124: "midazolam (versed)",
    30126: "morphine sulfate",
    30141: "lorazepam (ativan)",
    30114: "cisatracurium",
    30130: "pentobarbital",
    30025: "heparin sodium",
    30112: "amiodarone",
    30123: "furosemide (lasix)",
    **dict.fromkeys((30049, 30121), "nitroglycerin"),
    30050: "nitroprusside",
    30117: "esmolol",
    30122: "labetalol",
    30178: "nicardipine",
    30133: "octreotide",
    30172: "nesiritide",
    30110: "tirofiban (aggrastat)",
}
"""Item -> what MetaVision calls the same drug; others keep their own label."""

_AMOUNTS: Final = {"mcg": "mcg", "mg": "mg", "gm": "g", "g": "g", "ng": "ng", "U": "units", "mEq": "mEq", "ml": "mL"}
_TIMES: Final = ("min", "hr")
_RATE_UNITS: Final = {
    f"{theirs}{kg}{time}": f"{ours}/{'kg/' if kg else ''}{time}"
    for (theirs, ours), kg, time in product(_AMOUNTS.items(), ("", "kg"), _TIMES)
}
"""mcgkgmin -> mcg/kg/min."""
_UNITS: Final = {"U": "units"}
STOPPED: Final = ("Stopped", "D/C'd")


def drips(frame: pl.DataFrame) -> pl.DataFrame:
    """Candidates of rates, amounts and ends."""
    stopped = pl.col("stopped").is_in(STOPPED).fill_null(False)
    nothing = pl.col("rate").is_null() & pl.col("amount").is_null() & ~stopped
    frame = with_reason(frame, pl.col("itemid").is_null(), "no code")
    frame = clocked(with_reason(frame, nothing, "no value"), INPUTEVENTS_CV, "rate")
    drug = pl.col("itemid").replace_strict(DRUGS, default=None, return_dtype=pl.String)
    frame = frame.with_columns(drug=pl.coalesce(drug, ITEM_NAME), ceased=stopped)
    faulty = pl.col("reason").is_not_null()
    set_to = frame.filter(faulty | pl.col("rate").is_not_null() | (pl.col("ceased") & pl.col("rateuom").is_not_null()))
    set_to = set_to.with_columns(
        rate=pl.when("ceased").then(0.0).otherwise("rate"), unit=pl.col("rateuom").replace(_RATE_UNITS)
    )
    amounts = frame.filter(~faulty, pl.col("amount").is_not_null())
    amounts = with_reason(amounts, pl.col("amount") < 0, "implausible value")
    unit = pl.col("amountuom").replace(_UNITS).str.to_lowercase().fill_null("")
    given = candidates(amounts, "infusion", pl.format("BOLUS_AMOUNT//{}//{}", "drug", unit), pl.col("amount"))
    ended = frame.filter(~faulty, pl.col("rate").is_not_null() | pl.col("ceased"))
    ends = candidates(ended, "charting", pl.lit("INFUSION_END//") + pl.col("drug"), pl.lit(1.0))
    return pl.concat([rate_candidates(set_to, pl.col("drug")), given, ends])


DRIP_TABLE: Final = EventTable(INPUTEVENTS_CV, drips, ("infusion", "charting"), place=by_icustay)
