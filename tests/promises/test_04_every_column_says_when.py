"""Promise 4: every column of the database says when its value is known, and what is never known reaches no event."""

import dataclasses
import gzip
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

import raw_meds
import raw_mimic3
import raw_mimic4
from raw_eicu import COLUMNS, UNREAD_COLUMNS, Data, RawEicu, demo_folder, prepare, tiny
from wardround.sources.challenge2012 import CHALLENGE2012
from wardround.sources.eicu import EICU
from wardround.sources.eicu import columns as raw
from wardround.sources.meds import own
from wardround.sources.meds.columns import STAYS, event_columns
from wardround.sources.meds.known import KnownWhen
from wardround.sources.meds.shards import _KINDS
from wardround.sources.meds.source import shipped_mapping
from wardround.sources.mimic.named_tables import without_looked_up
from wardround.sources.mimic3 import MIMIC3
from wardround.sources.mimic3 import layout as mimic3_layout
from wardround.sources.mimic4 import MIMIC4
from wardround.sources.mimic4.beside import on_disk
from wardround.sources.mimic4.layout import NAMED_BY
from wardround.sources.raw_table import ADMIT, DISCHARGE, HOUR_24, ID, LATER, NEVER, TEXT, UNREAD, Known, RawTable

TABLES = {table.name.lower(): table for table in (EICU.stay_table, *(each.raw for each in EICU.tables("all")))}
DECLARED = TABLES | {table.name.lower(): table for table in EICU.unread_tables}
RULES = (ID, ADMIT, HOUR_24, NEVER, UNREAD)


def without_rule(published: dict[str, list[str]]) -> list[str]:
    """TABLE.COLUMN of published columns that no declared table gives a rule."""
    missing = []
    for table, columns in published.items():
        declared = DECLARED.get(table.lower())
        missing += [f"{table}.{name}" for name in columns if declared is None or name.lower() not in declared.columns]
    return missing


def test_every_column_of_eicu_2_0_has_a_rule():
    published = COLUMNS | UNREAD_COLUMNS
    assert len(published) == 31
    assert without_rule(published) == []
    print(f"{sum(map(len, published.values()))} of {sum(map(len, published.values()))} columns have a rule")


def test_no_rule_is_for_a_column_that_was_never_published():
    published = {name.lower(): set(columns) for name, columns in (COLUMNS | UNREAD_COLUMNS).items()}
    assert [name for name, table in DECLARED.items() if not published[name].issuperset(table.columns)] == []


@pytest.mark.data
def test_every_column_of_the_demo_has_a_rule():
    paths = sorted(demo_folder("eicu-demo").glob("*.csv.gz"))
    published = {}
    for path in paths:
        with gzip.open(path, "rt") as text:
            published[path.name.removesuffix(".csv.gz")] = text.readline().strip().split(",")
    assert len(published) == 30
    assert without_rule(published) == []


def test_each_rule_is_one_of_the_few_and_waits_for_columns_of_its_table():
    for table in DECLARED.values():
        for name, (_, known) in table.columns.items():
            assert known in RULES or known.rule == "offset", f"{table.name}.{name}"
            assert set(known.columns) <= set(table.columns), f"{table.name}.{name}"


@pytest.mark.usefixtures("unchecked_signatures")
@pytest.mark.parametrize("rule", [None, "at admission", ("offset",)], ids=["none", "a text", "a tuple"])
def test_a_column_without_a_rule_does_not_build(rule: object):
    with pytest.raises(ValueError, match=r"lab\.labresult does not say when it is known"):
        RawTable("lab", {"labid": (TEXT, ID), "labresult": (TEXT, rule)})


@pytest.mark.usefixtures("unchecked_signatures")
def test_a_bare_kind_does_not_build():
    with pytest.raises(ValueError, match=r"lab\.labresult does not say"):
        RawTable("lab", {"labresult": TEXT})


def test_a_rule_that_waits_for_nothing_does_not_build():
    with pytest.raises(ValueError, match=r"is known at \['resulttime'\], which lab does not have"):
        RawTable("lab", {"labresult": (TEXT, Known("offset", ("resulttime",)))})


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("patient", "hospitaldischargestatus"),
        ("patient", "unitdischargeoffset"),
        ("microLab", "organism"),
        ("respiratoryCare", "ventendoffset"),
        ("carePlanGeneral", "activeupondischarge"),
        ("lab", "labtypeid"),
    ],
)
def test_what_is_never_known_has_no_offset_to_enter_an_event(table: str, column: str):
    with pytest.raises(ValueError, match=f"{table}.{column} is known: (never|unread)"):
        DECLARED[table.lower()].known_at(column)


def test_the_leakage_map_is_what_is_declared():
    """`AVAILABILITY.md`, eICU: what may never be an input."""
    never = {
        "patient": "hospitaldischargeyear hospitaldischargetime24 hospitaldischargeoffset hospitaldischargelocation "
        "hospitaldischargestatus unitdischargetime24 unitdischargeoffset unitdischargelocation unitdischargestatus "
        "dischargeweight",
        "apachePredVar": "diedinhospital var03hspxlos dischargelocation",
        "apachePatientResult": "actualicumortality actualiculos actualhospitalmortality actualhospitallos "
        "unabridgedunitlos unabridgedhosplos actualventdays unabridgedactualventdays",
        "diagnosis": "activeupondischarge",
        "treatment": "activeupondischarge",
        "carePlanGeneral": "activeupondischarge",
        "carePlanEOL": "activeupondischarge",
        "carePlanGoal": "activeupondischarge",
        "carePlanInfectiousDisease": "activeupondischarge",
        "carePlanCareProvider": "activeupondischarge",
        "medication": "drugstopoffset drugordercancelled",
        "respiratoryCare": "ventendoffset",
        "microLab": "organism antibiotic sensitivitylevel",
    }
    for table, columns in never.items():
        for column in columns.split():
            assert DECLARED[table.lower()].columns[column][1] in (NEVER, UNREAD), f"{table}.{column}"
    at_24_h = {
        "apacheApsVar": raw.APS_VALUES,
        "apachePredVar": f"{raw.APACHE_FLAGS} admitdiagnosis",
        "apachePatientResult": "apachescore acutephysiologyscore predictedhospitalmortality predictedicumortality "
        "predictediculos predictedhospitallos",
        "patient": "apacheadmissiondx",
    }
    for table, columns in at_24_h.items():
        for column in columns.split():
            assert DECLARED[table.lower()].columns[column][1] is HOUR_24, f"{table}.{column}"


OTHER = {
    "hospitaldischargeyear": lambda old: str(int(old) + 1),
    "hospitaldischargeoffset": lambda old: str(int(old) + 777),
    "unitdischargeoffset": lambda old: str(int(old) + 333),
    "hospitaldischargestatus": lambda old: "Alive" if old == "Expired" else "Expired",
    "unitdischargestatus": lambda old: "Alive" if old == "Expired" else "Expired",
}
"""Another valid value for the columns that are read for stays and labels; any text will do for the others."""


def never_inputs() -> Iterator[tuple[str, str]]:
    for name in COLUMNS:
        for column, (_, known) in TABLES[name.lower()].columns.items():
            if known in (NEVER, UNREAD):
                yield name, column


def with_others(raw: RawEicu, table: str, columns: list[str]) -> RawEicu:
    """The folder with other values in columns that no event may see."""
    changed = {name: OTHER.get(name, lambda old: f"{old} changed 271828") for name in columns}
    return raw.changed(table, lambda row: row | {name: other(row[name]) for name, other in changed.items()})


@pytest.fixture(scope="module")
def unchanged(tmp_path_factory: pytest.TempPathFactory) -> Data:
    folder = tmp_path_factory.mktemp("unchanged")
    return prepare(tiny().write(folder / "raw"), folder / "data")


def test_all_columns_that_are_never_inputs_changed_at_once(unchanged: Data, tmp_path: Path):
    changed = tiny()
    for table in COLUMNS:
        changed = with_others(changed, table, [column for name, column in never_inputs() if name == table])
    data = prepare(changed.write(tmp_path / "raw"), tmp_path / "data")
    assert data.events.equals(unchanged.events)
    assert not data.stays.equals(unchanged.stays), "labels do come from them"
    print(f"{len(list(never_inputs()))} columns changed, no event moved")


def test_a_column_that_reaches_events_is_caught(unchanged: Data, tmp_path: Path):
    """Negative control: a source that makes events of a discharge column, and one that reads ahead of its rule."""
    leaky = tiny().changed("patient", lambda row: row | {"ethnicity": row["unitdischargestatus"]})
    before = prepare(leaky.write(tmp_path / "a"), tmp_path / "a-data").events
    outcome = with_others(tiny(), "patient", ["unitdischargestatus"])
    outcome = outcome.changed("patient", lambda row: row | {"ethnicity": row["unitdischargestatus"]})
    assert not prepare(outcome.write(tmp_path / "b"), tmp_path / "b-data").events.equals(before)

    eager = dataclasses.replace(raw.APS, columns={**raw.APS.columns, "heartrate": (raw.NUMBER, ADMIT)})
    with pytest.raises(ValueError, match="known: unit admission; no offset says"):
        eager.known_at("heartrate")


CHALLENGE = {
    "observations": ["RecordID", "Time", "Parameter", "Value"],
    "outcomes": ["RecordID", "SAPS-I", "SOFA", "Length_of_stay", "Survival", "In-hospital_death"],
}
"""What the files of the Challenge 2012 hold; `records` gathers what the lines of each state of it."""


def test_every_column_of_the_challenge_has_a_rule():
    tables = [CHALLENGE2012.stay_table, *(side.raw for side in CHALLENGE2012.side_tables)]
    tables += [each.raw for each in CHALLENGE2012.tables("all")]
    declared = {table.name: table for table in tables}
    for name, columns in CHALLENGE.items():
        assert list(declared[name].columns) == columns
    for table in tables:
        for name, (_, known) in table.columns.items():
            assert known in RULES or known.rule == "offset", f"{table.name}.{name}"
    for name in CHALLENGE["outcomes"][1:]:
        with pytest.raises(ValueError, match=r"is known: (never|unread)"):
            declared["outcomes"].known_at(name)


@pytest.mark.data
def test_the_published_outcomes_have_no_other_column():
    for path in sorted(demo_folder("challenge-2012").glob("Outcomes-*.txt")):
        with path.open() as text:
            assert text.readline().strip().split(",") == CHALLENGE["outcomes"]


MEDS = {"subject_id", "time", "code", "numeric_value", "text_value"}


def test_every_column_of_meds_has_a_rule():
    """What MEDS has, what is gathered of stays, and what our own folders have besides."""
    tables = [STAYS, event_columns(("hadm_id",)), own.OWN_STAYS, own.OWN_EVENTS.raw]
    for table in tables:
        for name, (_, rule) in table.columns.items():
            assert rule in RULES or rule.rule == "offset", f"{table.name}.{name}"
    assert set(event_columns(()).columns) - {"row_key"} == MEDS == set(_KINDS)
    outcomes = {"end", "hospital_end", "died_in_hospital", "died_in_unit"}
    for table in (STAYS, own.OWN_STAYS):
        for name in outcomes:
            with pytest.raises(ValueError, match="is known: never"):
                table.known_at(name)
    assert own.OWN_EVENTS.raw.known_at("numeric_value") == ("time", "available_time")


def before_discharge(data: Data, modality: str = "diagnosis") -> int:
    """Events that wait for the discharge, by their mapping, and are known before it."""
    events = data.events.filter(pl.col("modality") == modality).join(data.stays, on="stay_id")
    return events.filter(pl.col("available_time") < pl.col("hospital_end")).height


@pytest.mark.parametrize("rule", ["discharge", "at once"])
def test_codes_without_a_time_of_knowledge_wait_for_the_discharge(tmp_path: Path, rule: str):
    """Whatever time they carry; and the negative control: a mapping that says otherwise."""
    raw = raw_meds.tiny().add(1, "2150-01-01 10:30", "DX//J96").add(2, "2151-03-01 01:00", "DX//N17")
    raw.mapping = raw.mapping.replace('known = "discharge"', f'known = "{rule}"')
    data = raw_meds.prepare(raw.write(tmp_path / "raw"), tmp_path / "data")
    assert (before_discharge(data) == 0) == (rule == "discharge")


def test_the_mapping_of_mimic_makes_billing_and_plans_wait_for_the_discharge():
    """`AVAILABILITY.md`, MIMIC-IV: ICD and DRG codes of the stay, stop times of orders; storetimes that MEDS lacks."""
    mimic = shipped_mapping("MIMIC-IV")

    def rule(code: str) -> KnownWhen | None:
        return next((each.known for each in mimic.events if each.codes.has(code)), None)

    waits = ("DIAGNOSIS//ICD//10//I10", "DRG//APR//951//X", "PROCEDURE//ICD//9//8854", "MEDICATION//STOP//Insulin")
    assert {rule(code) for code in (*waits, "HCPCS//X", "PROCEDURE//START//224275")} == {KnownWhen("discharge")}
    late = ("LAB//220045//bpm", "LAB//50820//units", "MEDICATION//Insulin//Administered")
    assert {rule(code) for code in late} == {KnownWhen("delay", 60)}
    assert rule("LAB//50971//mEq/L") == KnownWhen("delay", 180), "six of ten results come later than an hour"
    assert rule("SUBJECT_FLUID_OUTPUT//226559//ml") == KnownWhen("delay", 120)
    assert rule("Weight (Lbs)") == KnownWhen("end of day")
    for code in ("HOSPITAL_DISCHARGE//HOME", "ICU_DISCHARGE//X", "MEDS_DEATH", "TRANSFER_TO//discharge//UNK"):
        assert rule(code) is None


MIMIC = {
    table.name: without_looked_up(table, NAMED_BY)
    for table in (
        MIMIC4.stay_table,
        *(side.raw for side in MIMIC4.side_tables),
        *(each.raw for each in MIMIC4.tables("all")),
        *MIMIC4.lookup_tables,
        *MIMIC4.unread_tables,
        *(on_disk(table.raw) for each in MIMIC4.beside for table in each.tables),
        *(table for each in MIMIC4.beside for table in each.unread_tables),
    )
}
MIMIC_PUBLISHED = [
    *raw_mimic4.COLUMNS.items(),
    *raw_mimic4.OTHER_VERSIONS.items(),
    *raw_mimic4.BESIDE_COLUMNS.items(),
]


def without_rule_in_mimic(published: list[tuple[str, list[str]]]) -> list[str]:
    """TABLE.COLUMN of published columns that no declared table gives a rule, under today's name or a former one."""
    missing = []
    for name, columns in published:
        declared = MIMIC.get(name.rpartition("/")[2])
        known = set() if declared is None else {*declared.columns, *declared.former.values()}
        missing += [f"{name}.{column}" for column in columns if column.lower() not in known]
    return missing


def test_every_column_of_mimic_iv_1_0_to_3_1_has_a_rule():
    assert len(raw_mimic4.COLUMNS) == 31
    assert len(raw_mimic4.BESIDE_COLUMNS) == 9, "of MIMIC-IV-Note and MIMIC-CXR-JPG"
    assert without_rule_in_mimic(MIMIC_PUBLISHED) == []
    for table in MIMIC.values():
        for name, (_, known) in table.columns.items():
            rule = known in (*RULES, DISCHARGE) or known.rule in ("offset", "end of day", LATER)
            assert rule, f"{table.name}.{name}"
    columns = sum(len(columns) for _, columns in MIMIC_PUBLISHED)
    print(f"{columns} of {columns} columns have a rule")


def test_no_rule_is_for_a_column_that_mimic_iv_never_had():
    published: dict[str, set[str]] = {}
    for name, columns in MIMIC_PUBLISHED:
        published.setdefault(name.rpartition("/")[2], set()).update(column.lower() for column in columns)
    assert [name for name, table in MIMIC.items() if not published[name].issuperset(table.columns)] == []


@pytest.mark.data
def test_every_column_of_the_mimic_iv_demo_has_a_rule():
    published = []
    for path in sorted(demo_folder("mimic-iv-demo").glob("*/*.csv.gz")):
        with gzip.open(path, "rt") as text:
            published.append((path.name.removesuffix(".csv.gz"), text.readline().strip().split(",")))
    assert len(published) == 31
    assert without_rule_in_mimic(published) == []


def test_the_leakage_map_of_mimic_iv_is_what_is_declared():
    """`AVAILABILITY.md`, MIMIC-IV: what may never be an input, and what waits for the discharge or the day's end."""
    never = {
        "drgcodes": "drg_type drg_code description drg_severity drg_mortality",
        "admissions": "dischtime deathtime discharge_location hospital_expire_flag",
        "patients": "dod",
        "icustays": "last_careunit los outtime",
        "prescriptions": "stoptime",
        "transfers": "outtime",
    }
    for table, columns in never.items():
        for column in columns.split():
            assert MIMIC[table].columns[column][1] in (NEVER, UNREAD), f"{table}.{column}"
            with pytest.raises(ValueError, match=r"is known: (never|unread)"):
                MIMIC[table].known_at(column)
    for table in ("diagnoses_icd", "procedures_icd"):
        assert MIMIC[table].columns["icd_code"][1] is DISCHARGE
    for table, column in (("omr", "result_value"), ("procedures_icd", "chartdate")):
        assert MIMIC[table].columns[column][1] == Known("end of day", ("chartdate",))
    assert {"transfers", "poe", "drgcodes"} <= {table.name for table in MIMIC4.unread_tables}


def with_prose(raw: raw_mimic4.RawMimic4) -> raw_mimic4.RawMimic4:
    """With notes and pictures of stays 1 and 3."""
    for stay in (1, 3):
        raw.note("discharge", stay).note("discharge", stay, note_type="AD", storetime="", text="An addendum.")
        raw.note("radiology", stay).note("radiology", stay, note_type="AR", storetime="", text="An addendum.")
        raw.picture(stay, f"a0b1c2d{stay}")
    return raw


def prose_of_mimic(folder: Path, raw: raw_mimic4.RawMimic4) -> Data:
    written = raw.write(folder / "raw")
    return raw_mimic4.prepare(written, folder / "data", cxr=written / "cxr", notes=written)


def test_no_note_nor_picture_of_mimic_iv_sees_a_column_that_is_never_an_input(tmp_path: Path):
    """But for the discharge or death, which a discharge note waits for; where it is as it was, all events are equal."""
    raw = raw_mimic4.RawMimic4().stay(1, 10000101).stay(3, 10000103)
    changed, _ = mimic_changed(with_prose(raw))
    for row, was in zip(changed.rows["hosp/admissions"], raw.rows["hosp/admissions"], strict=True):
        row["dischtime"], row["deathtime"] = was["dischtime"], was["deathtime"]
    for row, was in zip(changed.rows["icu/icustays"], raw.rows["icu/icustays"], strict=True):
        row["outtime"] = was["outtime"]
    changed.files = raw.files
    before, after = prose_of_mimic(tmp_path / "a", raw), prose_of_mimic(tmp_path / "b", changed)
    assert set(before.events["modality"]) >= {"discharge_note", "radiology_note", "cxr"}
    assert before.events.equals(after.events)


def test_no_discharge_note_of_mimic_iv_is_known_before_the_discharge_and_no_report_before_it_is_stored(tmp_path: Path):
    data = prose_of_mimic(tmp_path, with_prose(raw_mimic4.RawMimic4().stay(1, 10000101).stay(3, 10000103)))
    assert data.events.filter(pl.col("modality") == "discharge_note").height == 4
    assert before_discharge(data, "discharge_note") == 0
    assert before_discharge(data, "radiology_note") > 0, "control: a report is known in the unit"
    assert (data.events["available_time"] >= data.events["time"]).all()


MIMIC_OTHER = {
    "outtime": "2151-01-03 17:00:00",
    "dischtime": "2151-01-06 18:00:00",
    "deathtime": "2151-01-05 09:00:00",
    "hospital_expire_flag": "1",
    "dod": "2151-01-05",
}
"""Another valid value of what is read for stays and labels alone; any text will do for what is not read."""


def mimic_changed(raw: raw_mimic4.RawMimic4) -> tuple[raw_mimic4.RawMimic4, int]:
    """The folder with other values in all columns that no event may see."""
    count, rows = 0, {}
    for name, of in raw.rows.items():
        table = MIMIC[name.split("/")[1]]
        hidden = [column for column, (_, known) in table.columns.items() if known in (NEVER, UNREAD)]
        there = [column for column in of[0] if column.lower() in hidden]
        count += len(there)
        rows[name] = [row | {column: MIMIC_OTHER.get(column, "changed 271828") for column in there} for row in of]
    return raw_mimic4.RawMimic4(rows), count


def test_no_event_of_mimic_iv_sees_a_column_that_is_never_an_input(tmp_path: Path):
    """But for billing codes, which wait for the discharge that is changed; without them, all events are equal."""
    raw = raw_mimic4.RawMimic4(
        {name: rows for name, rows in raw_mimic4.tiny().rows.items() if not name.endswith("_icd")}
    )
    changed, count = mimic_changed(raw)
    before = raw_mimic4.prepare(raw.write(tmp_path / "a"), tmp_path / "a-data")
    after = raw_mimic4.prepare(changed.write(tmp_path / "b"), tmp_path / "b-data")
    assert after.events.equals(before.events)
    assert not after.stays.equals(before.stays), "labels do come from them"
    print(f"{count} columns changed, no event moved")


def test_a_column_of_mimic_iv_that_reaches_events_is_caught(tmp_path: Path):
    """Negative control: a source whose unit is the last of a stay, and one whose value forgets when it was stored."""
    raw = raw_mimic4.tiny()
    for row in raw.rows["icu/icustays"]:
        row["first_careunit"] = row["last_careunit"]
    changed, _ = mimic_changed(raw)
    for row in changed.rows["icu/icustays"]:
        row["first_careunit"] = row["last_careunit"]
    before = raw_mimic4.prepare(raw.write(tmp_path / "a"), tmp_path / "a-data").events
    assert not raw_mimic4.prepare(changed.write(tmp_path / "b"), tmp_path / "b-data").events.equals(before)
    eager = dataclasses.replace(MIMIC["chartevents"], columns={"valuenum": (TEXT, ADMIT)}, offset=None)
    with pytest.raises(ValueError, match="known: unit admission; no offset says"):
        eager.known_at("valuenum")


def test_nothing_of_mimic_iv_is_known_before_it_is_stored_and_billing_codes_wait_for_the_discharge(tmp_path: Path):
    data = raw_mimic4.prepare(raw_mimic4.tiny().write(tmp_path / "raw"), tmp_path / "data")
    assert (data.events["available_time"] >= data.events["time"]).all()
    assert before_discharge(data) == 0
    charted = data.events.filter(pl.col("code") == "VITAL//heartrate//bpm")
    assert ((charted["available_time"] - charted["time"]).dt.total_minutes() == 20).all()


MIMIC_III = {
    table.name: without_looked_up(table, mimic3_layout.NAMED_BY)
    for table in (
        MIMIC3.stay_table,
        *(side.raw for side in MIMIC3.side_tables),
        *(each.raw for each in MIMIC3.tables("all")),
        *MIMIC3.lookup_tables,
        *MIMIC3.unread_tables,
    )
}


@pytest.mark.data
def test_every_column_of_the_mimic_iii_demo_has_a_rule():
    published = {}
    for path in sorted(demo_folder("mimic-iii-demo").glob("*.csv.gz")):
        with gzip.open(path, "rt") as text:
            published[path.name.removesuffix(".csv.gz").lower()] = text.readline().strip().split(",")
    assert {name: set(columns) for name, columns in published.items()} == {
        name: {*table.columns, "row_id"} for name, table in MIMIC_III.items()
    }
    print(f"{sum(map(len, published.values()))} columns have a rule")


def test_no_event_of_mimic_iii_sees_a_column_that_is_never_an_input(tmp_path: Path):
    """But for billing codes, which wait for the discharge that is changed; without them, all events are equal."""
    rows = {name: of for name, of in raw_mimic3.tiny().rows.items() if not name.endswith("_icd")}
    changed, count = {}, 0
    for name, of in rows.items():
        hidden = [column for column, (_, known) in MIMIC_III[name].columns.items() if known in (NEVER, UNREAD)]
        count += len(hidden)
        changed[name] = [row | {column: MIMIC_OTHER.get(column, "changed 271828") for column in hidden} for row in of]
    before = raw_mimic3.prepare(raw_mimic3.RawMimic3(rows).write(tmp_path / "a"), tmp_path / "a-data")
    after = raw_mimic3.prepare(raw_mimic3.RawMimic3(changed).write(tmp_path / "b"), tmp_path / "b-data")
    assert after.events.equals(before.events)
    assert not after.stays.equals(before.stays), "labels do come from them"
    assert (before.events["available_time"] >= before.events["time"]).all()
    print(f"{count} columns changed, no event moved")


def test_billing_codes_of_mimic_iii_wait_for_the_discharge(tmp_path: Path):
    assert before_discharge(raw_mimic3.prepare(raw_mimic3.tiny().write(tmp_path / "raw"), tmp_path / "data")) == 0
