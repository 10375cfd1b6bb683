"""The synthetic MIMIC-IV: repeatable bytes, the published shape, risks that the labels follow, a source that reads it
all."""

import gzip
import json
import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from wardround import files
from wardround.errors import UsageError
from wardround.export import write_concepts
from wardround.sources.mimic4 import MIMIC4
from wardround.sources.pipeline import prepare
from wardround.sources.synthetic import SyntheticMimic4Settings, gzip_tables, synthesise_mimic4, write
from wardround.sources.synthetic.mimic.item_list import ITEMS, LAB_ITEMS, SPECIMEN
from wardround.sources.synthetic.mimic.lacking import OTHERS
from wardround.sources.synthetic.mimic4 import layout
from wardround.sources.synthetic.mimic4.columns import COLUMNS, MODALITY_OF
from wardround.sources.synthetic.mimic4.settings import MODALITIES

DATA = Path(os.environ.get("WARDROUND_DATA", Path(__file__).parents[4] / "shared" / "data"))
DEMO = DATA / "mimic-iv-demo"
needs_demo = [
    pytest.mark.data,
    pytest.mark.skipif(not DEMO.is_dir(), reason=f"needs the open MIMIC-IV demo at {DEMO} (set WARDROUND_DATA)"),
]
TABLES = SyntheticMimic4Settings(images="none")
TIMES = "%Y-%m-%d %H:%M:%S"


def raw(folder: Path, table: str) -> pl.DataFrame:
    return pl.read_csv(folder / f"{table}.csv.gz", infer_schema=False)


def truth_of(folder: Path) -> pl.DataFrame:
    return pl.read_parquet(folder / "truth" / "stays.parquet")


def time(name: str) -> pl.Expr:
    return pl.col(name).str.to_datetime(TIMES)


def auroc(score: np.ndarray, positive: np.ndarray) -> float:
    above = score[positive][:, None] - score[~positive][None, :]
    return float((above > 0).mean() + (above == 0).mean() / 2)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    to = tmp_path_factory.mktemp("cohort") / "raw"
    synthesise_mimic4(to, 400, 11, TABLES, quiet=True)
    return to


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the same seed, with nothing taken away."""
    to = tmp_path_factory.mktemp("whole") / "raw"
    nothing = {f"missing_{name}": 0.0 for name in (*MODALITIES, "others")}
    synthesise_mimic4(to, 400, 11, SyntheticMimic4Settings(images="none", **nothing), quiet=True)
    return to


# Repeatable


def test_same_seed_gives_the_same_bytes_and_another_seed_does_not(tmp_path: Path):
    for name, seed in (("first", 3), ("again", 3), ("other", 4)):
        synthesise_mimic4(tmp_path / name, 25, seed, SyntheticMimic4Settings(images="none", odd_rows=True), quiet=True)
    names = sorted(p.relative_to(tmp_path / "first") for p in (tmp_path / "first").rglob("*") if p.is_file())
    assert {str(name).removesuffix(".csv.gz") for name in names} >= set(COLUMNS)
    same = {"odd_rows.json", *(f"d_{name}.csv.gz" for name in ("items", "labitems", "icd_diagnoses", "icd_procedures"))}
    for file in names:
        first, again, other = ((tmp_path / name / file).read_bytes() for name in ("first", "again", "other"))
        assert first == again, file
        assert first != other or file.name in same, file


def test_chunks_join_into_one_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(write, "PATIENTS_PER_CHUNK", 12)
    synthesise_mimic4(tmp_path, 60, 1, TABLES, quiet=True)
    stays = raw(tmp_path, "icu/icustays")
    assert stays["stay_id"].n_unique() == stays.height == 60
    assert set(stays["stay_id"].cast(pl.Int64)) == set(truth_of(tmp_path)["stay_id"])
    ids = {"hosp/patients": "subject_id", "hosp/admissions": "hadm_id", "hosp/labevents": "labevent_id"}
    ids |= {"hosp/transfers": "transfer_id", "icu/inputevents": "orderid", "hosp/prescriptions": "pharmacy_id"}
    ids["hosp/microbiologyevents"] = "microevent_id"
    for table, column in ids.items():
        rows = raw(tmp_path, table)
        assert rows[column].n_unique() == rows.height, table
    for table in COLUMNS:
        if "subject_id" in COLUMNS[table]:
            assert raw(tmp_path, table)["subject_id"].is_in(stays["subject_id"].implode()).all(), table


@pytest.mark.parametrize("dies_at", ["write_manifest", "write_table", "write_bytes"])
def test_what_was_stopped_goes_on_to_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dies_at: str):
    """The images stand in for others: writing them needs no package here."""
    monkeypatch.setattr(write, "PATIENTS_PER_CHUNK", 5)
    monkeypatch.setattr(layout, "image_files", _one_file_an_image)
    calls, sound = [0], getattr(files, dies_at)

    def dying(*arguments: object) -> object:
        calls[0] += 1
        if dies_at == "write_manifest" or calls[0] == 9:
            raise KeyboardInterrupt
        return sound(*arguments)

    synthesise_mimic4(tmp_path / "right", 15, 3, TABLES, quiet=True)
    with monkeypatch.context() as patch:
        for module in (files, gzip_tables):
            patch.setattr(module, dies_at, dying, raising=False)
        with pytest.raises(KeyboardInterrupt):
            synthesise_mimic4(tmp_path / "again", 15, 3, TABLES, quiet=True)
    synthesise_mimic4(tmp_path / "again", 15, 3, TABLES, quiet=True)
    right, again = (
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for folder in (tmp_path / "right", tmp_path / "again")
    )
    assert right == again
    assert any(path.suffix == ".jpg" for path in right)


def _one_file_an_image(_draw: object, _studies: object, images: pl.DataFrame, *_: object) -> dict[str, bytes]:
    return {f"{path}.jpg": path.encode() for path in images["path"]}


def test_what_is_missing_changes_nothing_else(cohort: Path, whole: Path):
    truth = truth_of(cohort)
    same = ["stay_id", "true_risk", "died"]
    assert truth_of(whole).select(same).equals(truth.select(same))
    for table, modality in MODALITY_OF.items():
        full, thin = raw(whole, table), raw(cohort, table)
        if "stay_id" in full.columns:
            here = truth.filter(~pl.col(f"missing_{modality}"))["stay_id"].cast(pl.String)
            assert thin.equals(full.filter(pl.col("stay_id").is_in(here.implode()))), table
        assert thin.height < full.height or modality in OTHERS, table


@pytest.mark.parametrize(
    "wrong", [{"missing_cxr": 1.0}, {"mortality": 0.9}, {"image_px": 8}, {"images": "png"}, {"mechanism": "moon"}]
)
@pytest.mark.usefixtures("unchecked_signatures")
def test_settings_out_of_range_are_refused(wrong: dict):
    with pytest.raises(UsageError, match=next(iter(wrong))):
        SyntheticMimic4Settings(**wrong)


# The published shape


@pytest.mark.parametrize("table", [pytest.param(n, marks=needs_demo) for n in COLUMNS if n.startswith(("hosp", "icu"))])
def test_columns_are_those_of_the_demo(cohort: Path, table: str):
    with gzip.open(DEMO / f"{table}.csv.gz", "rt") as demo:
        header = demo.readline().strip()
    assert ",".join(COLUMNS[table]) == header
    assert ",".join(raw(cohort, table).columns) == header


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        pytest.param(*pair, marks=needs_demo)
        for pair in (
            ("icu/d_items", ["itemid", "label", "abbreviation", "linksto", "category", "unitname", "param_type"]),
            ("hosp/d_labitems", ["itemid", "label", "fluid", "category"]),
            ("hosp/d_icd_diagnoses", ["icd_code", "icd_version", "long_title"]),
            ("hosp/d_icd_procedures", ["icd_code", "icd_version"]),
            ("hosp/transfers", ["eventtype"]),
            ("hosp/services", ["curr_service"]),
            ("hosp/microbiologyevents", ["spec_itemid", "spec_type_desc", "test_itemid", "test_name"]),
            ("hosp/admissions", ["admission_type"]),
            ("hosp/admissions", ["discharge_location"]),
            ("icu/icustays", ["first_careunit"]),
        )
    ],
)
def test_names_are_those_of_the_demo(cohort: Path, table: str, columns: list[str]):
    known = raw(DEMO, table).select(columns).unique()
    assert raw(cohort, table).select(columns).unique().join(known, on=columns, how="anti", nulls_equal=True).is_empty()


def test_items_are_those_that_the_source_names(whole: Path):
    for table in ("icu/chartevents", "icu/inputevents", "icu/outputevents", "icu/procedureevents"):
        items = set(raw(whole, table)["itemid"].cast(pl.Int64))
        named = {item for item, each in ITEMS.items() if each.table == table.removeprefix("icu/")}
        assert items <= named, table
    assert set(raw(whole, "hosp/labevents")["itemid"].cast(pl.Int64)) == {
        *(each.itemid for each in LAB_ITEMS.values()),
        SPECIMEN.itemid,
    }


def test_times_are_in_order(whole: Path):
    stays = raw(whole, "icu/icustays").select("stay_id", "hadm_id", begun=time("intime"), ended=time("outtime"))
    admissions = raw(whole, "hosp/admissions").select(
        "subject_id", "hadm_id", admitted=time("admittime"), left=time("dischtime"), death=time("deathtime")
    )
    both = stays.join(admissions, on="hadm_id")
    assert both.height == stays.height
    assert both.select((pl.col("admitted") <= pl.col("begun")).all()).item()
    assert both.select((pl.col("ended") <= pl.col("left")).all()).item()
    assert admissions.select((pl.col("death") == pl.col("left")).all()).item()
    in_order = admissions.sort("subject_id", "admitted")
    apart = in_order.select((pl.col("admitted") - pl.col("left").shift(1)).over("subject_id")).to_series().drop_nulls()
    assert apart.len() > 10
    assert (apart.dt.total_days() >= 3).all()
    for table, first, later in (
        ("icu/chartevents", "charttime", "storetime"),
        ("hosp/labevents", "charttime", "storetime"),
        ("icu/outputevents", "charttime", "storetime"),
        ("icu/inputevents", "starttime", "endtime"),
        ("icu/procedureevents", "starttime", "endtime"),
        ("hosp/prescriptions", "starttime", "stoptime"),
    ):
        lag = raw(whole, table).select((time(later) - time(first)).dt.total_minutes()).to_series()
        assert lag.min() >= 0, table
        assert lag.mean() > 5, table


# The truth


def test_outcomes_are_those_of_the_truth(cohort: Path):
    truth = truth_of(cohort).with_columns(pl.col("hospital_stay_id").cast(pl.String))
    assert 0.05 < truth["died"].mean() < 0.17
    rows = truth.join(raw(cohort, "hosp/admissions"), left_on="hospital_stay_id", right_on="hadm_id")
    assert rows.height == truth.height
    assert ((rows["hospital_expire_flag"] == "1") == rows["died"]).all()
    assert ((rows["discharge_location"] == "DIED") == rows["died"]).all()
    assert rows["deathtime"].is_not_null().equals(rows["died"])
    risk = truth["true_risk"].to_numpy()
    assert abs((truth["died"].to_numpy() - risk).sum()) < 4 * np.sqrt((risk * (1 - risk)).sum())
    best = json.loads((cohort / "truth" / "settings.json").read_text())["best"]["24h"]
    assert 0.78 < best["auroc"] < 0.95
    assert auroc(risk, truth["died"].to_numpy()) > 0.7


def test_several_visits_and_stays_of_some_patients(cohort: Path):
    stays = raw(cohort, "icu/icustays")
    assert stays["subject_id"].n_unique() < stays["hadm_id"].n_unique() < stays.height


@pytest.mark.parametrize(
    ("table", "item", "value", "sign"),
    [
        ("icu/chartevents", 220045, "valuenum", 1),
        ("icu/chartevents", 220179, "valuenum", -1),
        ("hosp/labevents", 51006, "valuenum", 1),
        ("hosp/labevents", 51277, "valuenum", 1),
        ("icu/outputevents", 226559, "value", -1),
    ],
)
def test_the_tables_tell_of_severity(whole: Path, table: str, item: int, value: str, sign: int):
    rows = raw(whole, table).filter(pl.col("itemid") == str(item))
    seen = rows.group_by("hadm_id").agg(pl.col(value).cast(pl.Float64).mean().alias("seen")).drop_nulls()
    truth = truth_of(whole).group_by("hospital_stay_id").agg(pl.col("frailty").first())
    both = seen.join(truth.with_columns(hadm_id=pl.col("hospital_stay_id").cast(pl.String)), on="hadm_id")
    assert sign * np.corrcoef(both["seen"], both["frailty"])[0, 1] > 0.15


def test_treatments_and_codes_tell_of_death(whole: Path):
    died = truth_of(whole).group_by("hospital_stay_id").agg(pl.col("died").first())
    died = died.with_columns(hadm_id=pl.col("hospital_stay_id").cast(pl.String))
    given = {
        "icu/inputevents": pl.col("itemid") == "221906",
        "icu/procedureevents": pl.col("itemid") == "225792",
        "hosp/prescriptions": pl.col("drug") == "NORepinephrine",
        "hosp/diagnoses_icd": pl.col("icd_code").is_in(["51881", "J9601"]),
        "hosp/procedures_icd": pl.col("icd_code").is_in(["9604", "0BH17EZ"]),
    }
    for table, which in given.items():
        had = died.with_columns(had=pl.col("hadm_id").is_in(raw(whole, table).filter(which)["hadm_id"].implode()))
        share = dict(had.group_by("had").agg(pl.col("died").mean()).iter_rows())
        assert share[True] > 1.5 * share[False], table


def test_all_phenotypes_occur_and_those_of_acute_illness_go_with_severity(whole: Path, tmp_path: Path):
    prepare(MIMIC4, [whole], tmp_path / "data", quiet=True)
    write_concepts(tmp_path / "data", ["phenotypes"], tmp_path / "concepts", quiet=True)
    truth = truth_of(whole).select("stay_id", "frailty")
    rows = pl.read_parquet(tmp_path / "concepts" / "phenotypes.parquet").join(truth, on="stay_id")
    names = [name for name, kind in rows.schema.items() if kind == pl.Boolean]
    assert len(names) == 25
    assert sum(rows[name].any() for name in names) >= 24
    for begin in ("respiratory_failure", "acute_and_unspecified_renal", "shock"):
        (name,) = (name for name in names if name.startswith(begin))
        assert np.corrcoef(rows[name], rows["frailty"])[0, 1] > 0.15, name


# Missingness


def test_missing_shares_are_those_asked_for(cohort: Path):
    truth = truth_of(cohort)
    for name, rate in TABLES.missing_rates.items():
        assert abs(truth[f"missing_{name}"].mean() - rate) < 4 * np.sqrt(0.25 / truth.height), name
    present = truth.select(pl.sum_horizontal(~pl.col(f"missing_{name}") for name in MODALITIES)).to_series()
    assert present.is_between(1, 2).mean() > 0.6
    assert present.min() >= 1


def test_shared_records_are_missing_for_all_who_share_them(tmp_path: Path):
    settings = SyntheticMimic4Settings(images="none", missing_demographics=0.5, missing_discharge_note=0.5)
    synthesise_mimic4(tmp_path, 300, 2, settings, quiet=True)
    truth = truth_of(tmp_path)
    for key, name in (("subject_key", "demographics"), ("hospital_stay_id", "discharge_note")):
        each = truth.group_by(key).agg(pl.col(f"missing_{name}").n_unique(), pl.len())
        assert (each[f"missing_{name}"] == 1).all()
        assert (each["len"] > 1).any()
    patients = raw(tmp_path, "hosp/patients")
    unknown = truth.filter("missing_demographics")["subject_key"].cast(pl.String)
    for table in ("note/discharge", "note/radiology"):  # nor do notes tell what is missing
        notes = raw(tmp_path, table).with_columns(told=pl.col("text").str.contains(r"year old (wo)?man|Sex: +[MF]"))
        assert notes["told"].equals(~notes["subject_id"].is_in(unknown.implode())), table
    assert patients["subject_id"].is_in(unknown.implode()).equals(patients["gender"].is_null())
    assert patients["anchor_age"].is_null().equals(patients["gender"].is_null())


# The source reads it


def ledger_of(data: Path) -> dict:
    return json.loads((data / "ledger.json").read_text())["tables"]


def test_nothing_is_set_aside(whole: Path, tmp_path: Path):
    prepare(MIMIC4, [whole], tmp_path / "data", quiet=True)
    ledger = ledger_of(tmp_path / "data")
    assert len(ledger) == 13
    for table, counts in ledger.items():
        assert counts["set_aside"] == {}, table
        assert counts["rows_in"] == counts["rows_out"] > 0, table
    stays = pl.read_parquet(tmp_path / "data" / "stays.parquet").sort("stay_id")
    truth = truth_of(whole).sort("stay_id")
    assert stays["stay_id"].equals(truth["stay_id"])
    assert stays["died_in_hospital"].equals(truth["died"])
    assert stays["died_in_unit"].equals(truth["died_in_unit"])
    assert np.allclose(stays["los_h"], truth["los_h"])
    told = json.loads((tmp_path / "data" / "metadata" / "dataset.json").read_text())
    assert (told["patient_pool"], told["subject_ids"]) == ("synthetic MIMIC-IV, seed 11", "synthetic")


def test_what_is_planted_is_set_aside(tmp_path: Path):
    settings = SyntheticMimic4Settings(images="none", odd_rows=True, missing_time_series=0.0)
    synthesise_mimic4(tmp_path / "raw", 60, 5, settings, quiet=True)
    planted = json.loads((tmp_path / "raw" / "truth" / "odd_rows.json").read_text())["tables"]
    prepare(MIMIC4, [tmp_path / "raw"], tmp_path / "data", quiet=True)
    ledger = ledger_of(tmp_path / "data")
    for table, kinds in planted.items():
        counts = ledger[table.partition("/")[2]]
        assert sum(counts["set_aside"].values()) == sum(kinds.values()) > 0, table
    aside = {table: sum(counts["set_aside"].values()) for table, counts in ledger.items()}
    assert {table for table, count in aside.items() if count} == {table.partition("/")[2] for table in planted}
