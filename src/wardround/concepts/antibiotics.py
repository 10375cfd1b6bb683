"""Antibiotics that were ordered, by the name of the drug and the route in words beside it.

Source: `antibiotic` of the MIMIC Code Repository (mimic-iv/concepts/medication): parts of generic and trade names, some
antifungals among them; without creams, gels and what goes into an eye, an ear or on the skin. There what an antibiotic
is dissolved in (`drug_type` BASE) is left out, which events do not tell, and so is an order without a route, which
counts here.
"""

import re
from collections.abc import Sequence
from typing import Final

import polars as pl

ORDERED: Final = "MEDICATION//NAME//"

NAMES: Final = (
    # penicillins and what is given with them
    *("amoxicill", "ampicillin", "dicloxacillin", "methicillin", "nafcillin", "oxacillin", "penicillin"),
    "piperacillin",
    *("clavulanate", "tazobactam", "augmentin", "moxatag", "bactocill", "bicillin l-a", "pc pen vk", "pfizerpen"),
    *("timentin", "unasyn", "zosyn"),
    # cephalosporins, carbapenems and aztreonam
    *("cefaclor", "cefadroxil", "cefazolin", "cefdinir", "cefditoren", "cefepime", "cefotaxime", "cefotetan"),
    "cefoxitin",
    *("cefpirome", "cefpodoxime", "cefprozil", "ceftaroline", "ceftazidime", "ceftibuten", "ceftriaxone", "cefuroxime"),
    *("cephalexin", "cephalothin", "cephapririn", "axetil", "ancef", "cedax", "cefotan", "ceftin", "claforan"),
    "duricef",
    *("fortaz", "keflex", "kefzol", "maxipime", "mefoxin", "omnicef", "panixine", "raniclor", "rocephin", "spectracef"),
    *("suprax", "tazicef", "vantin", "zinacef", "meropenem", "aztreonam", "azactam", "cayston"),
    # aminoglycosides, glycopeptides and oxazolidinones
    *("amikacin", "amikin", "gentamicin", "garamycin", "kanamycin", "neomycin", "streptomycin", "tobramycin"),
    "bethkis",
    *("vancomycin", "vancocin", "vibativ", "linezolid", "zyvox", "cubicin", "synercid"),
    # macrolides and lincosamides
    *("azithromycin", "clarithromycin", "dirithromycin", "erythromycin", "erythrocin", "eryc", "eryped", "ery-tab"),
    *("pce dispertab", "pediazole", "biaxin", "zithromax", "ketek", "clindamycin", "cleocin", "lincocin"),
    # quinolones
    *("cipro", "levofloxacin", "moxifloxacin", "norfloxacin", "ofloxacin", "avelox", "factive", "levaquin", "noroxin"),
    "proquin",
    # tetracyclines
    *("doxycy", "minocycline", "tetracycline", "adoxa", "ala-tet", "alodox", "avidoxy", "doryx", "dynacin", "minocin"),
    *("monodox", "morgidox", "myrac", "nicazel doxy 30", "ocudox", "oracea", "oraxyl", "periostat", "solodyn"),
    *("vibra-tabs", "vibramycin"),
    # sulfonamides, trimethoprim and those of the urine
    *("sulfadiazine", "sulfamethoxazole", "sulfatrim", "sulfisoxazole", "trimethoprim", "bactrim", "primsol", "septra"),
    *("smz-tmp", "nitrofurantoin", "furadantin", "macrobid", "macrodantin", "monurol"),
    # others
    *("amphotericin", "anidulafungin", "bactroban", "mupirocin", "chloramphenicol", "metronidazole", "flagyl"),
    *("rifampin", "rifadin"),
)
NOT_WITH: Final = ("cream", "desensitization", "ophth oint", "gel")
ROUTES_NOT: Final = ("OU", "OS", "OD", "AU", "AS", "AD", "TP")
_ROUTES_NOT_WITH: Final = ("ear", "eye")


def antibiotics(events: pl.DataFrame) -> pl.DataFrame:
    """`stay_id, time, known`: each minute at which an antibiotic was to start.

    Args:
        events: with the `INPUT_COLUMNS`.
    """
    orders = events.filter(pl.col("code").str.starts_with(ORDERED)).drop_nulls(["stay_id", "time", "available_time"])
    drug, route = pl.col("code").str.strip_prefix(ORDERED).str.to_lowercase(), pl.col("text_value").fill_null("")
    elsewhere = route.is_in(ROUTES_NOT) | route.str.to_lowercase().str.contains(_any_of(_ROUTES_NOT_WITH))
    orders = orders.filter(drug.str.contains(_any_of(NAMES)) & ~drug.str.contains(_any_of(NOT_WITH)) & ~elsewhere)
    return orders.group_by("stay_id", "time").agg(known=pl.col("available_time").max())


def _any_of(words: Sequence[str]) -> str:
    return "|".join(re.escape(word) for word in words)
