"""The synthetic MIMIC-III: repeatable bytes, the shape of both systems, planted facts, a source that reads it all."""

import gzip
import json
import os
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from synthetic_mimic3 import NOTHING, SEED, STAYS, raw, time, truth_of, without_odd
from wardround import files
from wardround.errors import UsageError
from wardround.export import write_concepts
from wardround.sources.mimic3 import MIMIC3
from wardround.sources.mimic3.carevue_items import CAREVUE as READ_ITEMS
from wardround.sources.pipeline import prepare
from wardround.sources.synthetic import SyntheticMimic3Settings, gzip_tables, reference, synthesise_mimic3, write
from wardround.sources.synthetic.mimic.lacking import OTHERS
from wardround.sources.synthetic.mimic3.billing_list import PHENOTYPES
from wardround.sources.synthetic.mimic3.columns import COLUMNS, MODALITY_OF, QUOTED
from wardround.tasks.task import TASKS
from wardround.train.derived_labels import with_derived

DATA = Path(os.environ.get("WARDROUND_DATA", Path(__file__).parents[4] / "shared" / "data"))
DEMO = DATA / "mimic-iii-demo"
needs_demo = [
    pytest.mark.data,
    pytest.mark.skipif(not DEMO.is_dir(), reason=f"needs the open MIMIC-III demo at {DEMO} (set WARDROUND_DATA)"),
]


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def whole(whole_mimic3: Path) -> Path:
    return whole_mimic3


@pytest.fixture(scope="module")
def thin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the same seed, by default."""
    to = tmp_path_factory.mktemp("thin") / "raw"
    synthesise_mimic3(to, STAYS, SEED, SyntheticMimic3Settings(missing_others=0.3), quiet=True)
    return to


@pytest.fixture(scope="module")
def data(whole: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    to = tmp_path_factory.mktemp("data") / "data"
    prepare(MIMIC3, [whole], to, workers=1, quiet=True)
    return to


# Repeatable


def test_what_was_stopped_goes_on_to_the_same_bytes_in_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(write, "PATIENTS_PER_CHUNK", 5)
    monkeypatch.setattr(reference, "REFERENCE_PATIENTS", 500)
    calls, sound = [0], files.write_bytes

    def dying(*arguments: object) -> object:
        calls[0] += 1
        if calls[0] == 30:
            raise KeyboardInterrupt
        return sound(*arguments)

    settings = SyntheticMimic3Settings(**NOTHING)
    synthesise_mimic3(tmp_path / "right", 20, 3, settings, quiet=True)
    with monkeypatch.context() as patch:
        patch.setattr(gzip_tables, "write_bytes", dying)
        with pytest.raises(KeyboardInterrupt):
            synthesise_mimic3(tmp_path / "again", 20, 3, settings, quiet=True)
    assert calls == [30]
    synthesise_mimic3(tmp_path / "again", 20, 3, settings, quiet=True)
    right = contents(tmp_path / "right")
    assert right == contents(tmp_path / "again")

    synthesise_mimic3(tmp_path / "other", 20, 4, settings, quiet=True)
    other = contents(tmp_path / "other")
    same = {f"D_{name}.csv.gz" for name in ("ITEMS", "LABITEMS", "ICD_DIAGNOSES", "ICD_PROCEDURES")}
    assert {name for name in right if right[name] == other.get(name)} == same

    for table, columns in COLUMNS.items():
        rows = raw(tmp_path / "right", table)
        assert rows["ROW_ID"].n_unique() == rows.height > 0, table
        if "ORDERID" in columns:
            assert rows["ORDERID"].n_unique() == rows.height, table
    stays = raw(tmp_path / "right", "ICUSTAYS")
    assert stays["ICUSTAY_ID"].n_unique() == 20
    for name, ids in (("SUBJECT_ID", "PATIENTS"), ("HADM_ID", "ADMISSIONS")):
        assert set(raw(tmp_path / "right", ids)[name]) == set(stays[name])


def test_what_is_missing_changes_nothing_else(whole: Path, thin: Path):
    truth = truth_of(thin)
    same = ["stay_id", "true_risk", "died"]
    assert truth_of(whole).select(same).equals(truth.select(same))
    assert truth_of(whole, "visits").equals(truth_of(thin, "visits"))
    for table, modality in MODALITY_OF.items():
        full, rows = without_odd(raw(whole, table)), raw(thin, table)
        if "ICUSTAY_ID" in full.columns:
            here = truth.filter(~pl.col(f"missing_{modality}"))["stay_id"].cast(pl.String)
            assert rows.equals(full.filter(pl.col("ICUSTAY_ID").is_in(here.implode()))), table
        assert rows.height < full.height, table
    noted = truth.filter(~pl.col("missing_discharge_note"))["hospital_stay_id"].cast(pl.String)
    notes = raw(thin, "NOTEEVENTS")
    assert notes.join(raw(whole, "NOTEEVENTS"), on=notes.columns, how="anti", nulls_equal=True).is_empty()
    assert set(notes.filter(pl.col("CATEGORY") == "Discharge summary")["HADM_ID"]) == set(noted)
    for name, rate in SyntheticMimic3Settings(missing_others=0.3).missing_rates.items():
        assert abs(truth[f"missing_{name}"].mean() - rate) < 4 * np.sqrt(0.25 / truth.height), name
    assert set(MODALITY_OF.values()) == {"time_series", *OTHERS}


@pytest.mark.parametrize("wrong", [{"missing_time_series": 1.0}, {"visits": 0.5}, {"visits": 9}, {"mechanism": "moon"}])
@pytest.mark.usefixtures("unchecked_signatures")
def test_settings_out_of_range_are_refused(wrong: dict):
    with pytest.raises(UsageError, match=next(iter(wrong))):
        SyntheticMimic3Settings(**wrong)


# The published shape


@pytest.mark.parametrize("table", [pytest.param(name, marks=needs_demo) for name in COLUMNS])
def test_columns_are_those_of_the_demo(whole: Path, table: str):
    with gzip.open(DEMO / f"{table}.csv.gz", "rt") as demo, gzip.open(whole / f"{table}.csv.gz", "rt") as ours:
        names = demo.readline().strip().upper().split(",")
        assert list(COLUMNS[table]) == names
        assert ours.readline().strip() == ",".join(f'"{name}"' for name in names)


@pytest.mark.parametrize("table", COLUMNS)
def test_texts_are_quoted_and_numbers_and_times_are_not(thin: Path, table: str):
    with gzip.open(thin / f"{table}.csv.gz", "rt") as lines:
        names = [name.strip('"\n') for name in lines.readline().split(",")]
        fields = re.findall(r'("(?:[^"]|"")*"|[^,\n]*)[,\n]', lines.read(200_000))
    rows = [fields[at : at + len(names)] for at in range(0, len(fields) - len(names), len(names))]
    assert {row[0].isdigit() for row in rows} == {True}, "read at the right places"
    for name, values in zip(names, zip(*rows, strict=True), strict=True):
        there = {value.startswith('"') for value in values if value}
        assert there <= {name in QUOTED[table]}, name


def test_who_was_charted_is_said(whole: Path, thin: Path):
    for folder, least in ((whole, 0.95), (thin, 0.2)):
        admissions = raw(folder, "ADMISSIONS")
        said = set(admissions.filter(pl.col("HAS_CHARTEVENTS_DATA") == "1")["HADM_ID"])
        assert said == set(raw(folder, "CHARTEVENTS")["HADM_ID"]) & set(admissions["HADM_ID"])
        assert len(said) > least * admissions["HADM_ID"].n_unique()
    assert len(said) < 0.7 * admissions["HADM_ID"].n_unique()


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        pytest.param(*pair, marks=needs_demo)
        for pair in (
            ("D_ITEMS", "itemid label abbreviation dbsource linksto category unitname param_type"),
            ("D_LABITEMS", "itemid label fluid category"),
            ("D_ICD_DIAGNOSES", "icd9_code short_title long_title"),
            ("D_ICD_PROCEDURES", "icd9_code short_title long_title"),
            ("ADMISSIONS", "admission_type"),
            ("ADMISSIONS", "discharge_location"),
            ("ADMISSIONS", "ethnicity"),
            ("ICUSTAYS", "first_careunit first_wardid"),
            ("SERVICES", "curr_service"),
            ("MICROBIOLOGYEVENTS", "spec_itemid spec_type_desc"),
            ("INPUTEVENTS_CV", "itemid rateuom"),
            ("OUTPUTEVENTS", "itemid valueuom"),
            ("PROCEDUREEVENTS_MV", "itemid ordercategoryname ordercategorydescription valueuom"),
        )
    ],
)
def test_names_are_those_of_the_demo(whole: Path, table: str, columns: str):
    known = raw(DEMO, table).rename(str.upper)
    names = columns.upper().split()
    ours = without_odd(raw(whole, table)).select(names).unique()
    if "ITEMID" in names and "LABEL" not in names:  # the demo is small: an item that nobody had there is no mistake
        ours = ours.filter(pl.col("ITEMID").is_in(known["ITEMID"].implode()))
        assert ours.height > 3
    assert ours.join(known, on=names, how="anti", nulls_equal=True).is_empty()


def test_each_stay_has_the_items_of_its_system_alone(whole: Path):
    systems = without_odd(raw(whole, "ICUSTAYS")).select("ICUSTAY_ID", "DBSOURCE")
    assert 0.3 < (systems["DBSOURCE"] == "carevue").mean() < 0.8
    known = raw(whole, "D_ITEMS").select("ITEMID", of="DBSOURCE", table="LINKSTO")
    for table in ("CHARTEVENTS", "INPUTEVENTS_CV", "INPUTEVENTS_MV", "OUTPUTEVENTS", "PROCEDUREEVENTS_MV"):
        rows = without_odd(raw(whole, table)).join(systems, on="ICUSTAY_ID").join(known, on="ITEMID", how="left")
        assert (rows["of"] == rows["DBSOURCE"]).all(), table
        assert (rows["table"] == table.lower()).all()
        assert rows["ICUSTAY_ID"].n_unique() > 0.3 * systems.height
    treated = raw(whole, "PROCEDUREEVENTS_MV")["ICUSTAY_ID"].unique()
    assert not systems.filter(pl.col("DBSOURCE") == "carevue")["ICUSTAY_ID"].is_in(treated.implode()).any()
    assert not truth_of(whole)["missing_treatment"].any(), "it says what was taken away, not what there never was"
    charted = raw(whole, "CHARTEVENTS").drop_nulls("STOPPED")
    numbers = charted.drop_nulls("VALUENUM")["ITEMID"].cast(pl.Int64).unique()
    assert numbers.is_in(list(READ_ITEMS)).all()
    drips = raw(whole, "INPUTEVENTS_CV")
    assert set(drips["STOPPED"].drop_nulls()) == {"Stopped", "D/C'd"}
    assert drips.select((pl.col("RATE").is_null() | pl.col("AMOUNT").is_null()).all()).item()


def test_times_are_in_order_and_the_oldest_are_hidden(whole: Path):
    stays = without_odd(raw(whole, "ICUSTAYS")).select("HADM_ID", begun=time("INTIME"), ended=time("OUTTIME"))
    people = raw(whole, "PATIENTS").select("SUBJECT_ID", born=time("DOB"), dead=time("DOD"))
    both = stays.join(raw(whole, "ADMISSIONS"), on="HADM_ID").join(people, on="SUBJECT_ID")
    assert both.height == STAYS
    assert both.select((time("ADMITTIME") <= pl.col("begun")).all()).item()
    assert both.select((pl.col("ended") <= time("DISCHTIME")).all()).item()
    assert both.select((time("DEATHTIME") == time("DISCHTIME")).all()).item()
    assert both.select((pl.col("dead") >= pl.col("begun").dt.truncate("1d")).all()).item()
    years = both.select((pl.col("begun") - pl.col("born")).dt.total_days() / 365.25).to_series()
    hidden = years.is_between(299, 330)
    assert 0 < hidden.sum() < 0.1 * STAYS
    assert years.filter(~hidden).is_between(18, 110).all()
    for table, first, later in (
        ("CHARTEVENTS", "CHARTTIME", "STORETIME"),
        ("OUTPUTEVENTS", "CHARTTIME", "STORETIME"),
        ("INPUTEVENTS_CV", "CHARTTIME", "STORETIME"),
        ("INPUTEVENTS_MV", "STARTTIME", "ENDTIME"),
        ("PROCEDUREEVENTS_MV", "STARTTIME", "ENDTIME"),
        ("PRESCRIPTIONS", "STARTDATE", "ENDDATE"),
    ):
        rows = without_odd(raw(whole, table))
        rows = rows.filter(pl.col(later) > "2000")  # without those that are planted to end before they start
        assert rows.select((time(later) >= time(first)).all()).item(), table
        in_order = rows.select(time(first).diff().over("HADM_ID", "ICUSTAY_ID") >= pl.duration(days=0)).to_series()
        assert in_order.drop_nulls().all(), table


# The planted facts


def test_outcomes_are_those_of_the_truth(whole: Path):
    truth = truth_of(whole).with_columns(pl.col("hospital_stay_id").cast(pl.String))
    rows = truth.join(raw(whole, "ADMISSIONS"), left_on="hospital_stay_id", right_on="HADM_ID")
    assert rows.height == STAYS
    assert ((rows["HOSPITAL_EXPIRE_FLAG"] == "1") == rows["died"]).all()
    assert ((rows["DISCHARGE_LOCATION"] == "DEAD/EXPIRED") == rows["died"]).all()
    assert rows["DEATHTIME"].is_not_null().equals(rows["died"])
    risk = truth["true_risk"].to_numpy()
    assert abs((truth["died"].to_numpy() - risk).sum()) < 4 * np.sqrt((risk * (1 - risk)).sum())


@pytest.mark.parametrize(
    ("table", "items", "value", "sign"),
    [
        ("CHARTEVENTS", {"211", "220045"}, "VALUENUM", 1),
        ("CHARTEVENTS", {"455", "220179"}, "VALUENUM", -1),
        ("LABEVENTS", {"51006"}, "VALUENUM", 1),
        ("OUTPUTEVENTS", {"40055", "226559"}, "VALUE", -1),
        ("INPUTEVENTS_CV", {"30120"}, "RATE", 1),
    ],
)
def test_the_tables_tell_of_severity(whole: Path, table: str, items: set[str], value: str, sign: int):
    rows = without_odd(raw(whole, table)).filter(pl.col("ITEMID").is_in(items))
    if table == "INPUTEVENTS_CV":
        seen = rows.group_by("HADM_ID").agg(seen=pl.len().cast(pl.Float64))
    else:
        seen = rows.group_by("HADM_ID").agg(seen=pl.col(value).cast(pl.Float64).mean()).drop_nulls()
    truth = truth_of(whole).group_by("hospital_stay_id").agg(pl.col("frailty").first())
    both = seen.join(truth.with_columns(HADM_ID=pl.col("hospital_stay_id").cast(pl.String)), on="HADM_ID")
    assert both.height > 15
    assert sign * np.corrcoef(both["seen"], both["frailty"])[0, 1] > 0.15


# The source reads it


def test_what_is_planted_is_set_aside_and_nothing_else(whole: Path, data: Path):
    planted = json.loads((whole / "truth" / "odd_rows.json").read_text())["tables"]
    ledger = json.loads((data / "ledger.json").read_text())["tables"]
    assert len(planted) == 7
    assert len(ledger) == 15
    for name, counts in ledger.items():
        odd = planted.get(name.upper(), {})
        assert sorted(counts["set_aside"].values()) == sorted(odd.values()), name
        assert counts["rows_in"] == counts["rows_out"] + sum(odd.values()) > 0, name
    stays = pl.read_parquet(data / "stays.parquet").sort("stay_id")
    truth = truth_of(whole).sort("stay_id")
    assert stays["stay_id"].equals(truth["stay_id"])
    assert stays["died_in_hospital"].equals(truth["died"])
    assert stays["died_in_unit"].equals(truth["died_in_unit"])
    assert np.allclose(stays["los_h"], truth["los_h"])
    told = json.loads((data / "metadata" / "dataset.json").read_text())
    assert (told["patient_pool"], told["subject_ids"]) == (f"synthetic MIMIC-III, seed {SEED}", "synthetic")


def test_conditions_are_those_billed_and_those_of_the_next_visit_are_asked(whole: Path, data: Path, tmp_path: Path):
    write_concepts(data, ["phenotypes"], tmp_path, quiet=True)
    found = pl.read_parquet(tmp_path / "phenotypes.parquet").sort("stay_id")
    visits = truth_of(whole, "visits")
    of_stay = truth_of(whole).select("stay_id", "hospital_stay_id").sort("stay_id")
    had = of_stay.join(visits, on="hospital_stay_id", maintain_order="left")
    assert set(found.columns) == {"stay_id", *PHENOTYPES}
    for name in PHENOTYPES:
        assert found[name].equals(had[f"had_{name}"]), name
    assert sum(found[name].any() for name in PHENOTYPES) >= 24

    stays = pl.read_parquet(data / "stays.parquet")
    asked = with_derived(data, "of a test", stays, TASKS["next_visit_phenotyping"]).sort("stay_id")
    later = had.select("next_hospital_stay_id").join(
        visits, left_on="next_hospital_stay_id", right_on="hospital_stay_id", how="left", maintain_order="left"
    )
    told = later["visit"].is_not_null()
    assert 40 < told.sum() < STAYS
    better = 0
    for name in PHENOTYPES:
        assert asked[name].equals(later[f"had_{name}"]), name
        answer, prob = asked[name].filter(told).to_numpy(), had[f"p_next_{name}"].filter(told).to_numpy()
        prevalence = answer.mean()
        better += float(((prevalence - answer) ** 2 - (prob - answer) ** 2).mean())
    assert better / len(PHENOTYPES) > 0.02
