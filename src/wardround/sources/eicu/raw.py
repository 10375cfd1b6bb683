"""Raw eICU tables, and whose patients they hold: those of eICU, or made-up ones that `wardround synth eicu` wrote."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from wardround.sources.csv_tables import find_csv_tables
from wardround.sources.eicu.columns import PATIENT
from wardround.sources.made_up import made_up_patients
from wardround.sources.patient_pool import EICU
from wardround.sources.raw_data import RawData
from wardround.sources.raw_table import RawTable


def find_eicu(raws: Sequence[Path], tables: Sequence[RawTable]) -> RawData:
    """The tables of a raw folder, and whose patients they hold where not eICU's. Raises as `find_csv_tables`."""
    found = find_csv_tables(raws, tables)
    stay_table = (f"{PATIENT.name}.csv.gz", found.inputs.get(PATIENT.name))
    return replace(found, patients=made_up_patients(raws[0], "eicu", EICU, stay_table))
