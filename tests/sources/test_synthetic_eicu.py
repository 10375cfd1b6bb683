"""The synthetic eICU: repeatable bytes, the published shape, risks that the labels follow, missingness as stated."""

import functools
import gzip
import json
import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from wardround.errors import RunError, UsageError
from wardround.sources.synthetic import MODALITIES, SyntheticSettings, synthesise_eicu, write
from wardround.sources.synthetic.cohort import Cohort
from wardround.sources.synthetic.eicu.columns import COLUMNS, MODALITY_OF
from wardround.sources.synthetic.eicu.layout import TAU, EicuLayout
from wardround.sources.synthetic.latent import LATTICE, solved_chain
from wardround.sources.synthetic.made import Made
from wardround.sources.synthetic.population import draw_admissions, draw_hospitals
from wardround.sources.synthetic.settings import stream
from wardround.sources.synthetic.stays import Stays, run_stays
from wardround.sources.synthetic.truth import expected_auroc

HOURS = (0, 6, 12, 24, 48)
STAY = "patientunitstayid"
DATA = Path(os.environ.get("WARDROUND_DATA", Path(__file__).parents[3] / "shared" / "data"))
DEMO = DATA / "eicu-demo"
needs_demo = [
    pytest.mark.data,
    pytest.mark.skipif(not DEMO.is_dir(), reason=f"needs the open eICU demo at {DEMO} (set WARDROUND_DATA)"),
]


@functools.lru_cache(maxsize=64)
def raw(folder: Path, table: str) -> pl.DataFrame:
    return pl.read_csv(folder / f"{table}.csv.gz", infer_schema=False)


def truth_of(folder: Path) -> pl.DataFrame:
    return pl.read_parquet(folder / "truth" / "stays.parquet")


def z_of(risk: np.ndarray, died: np.ndarray) -> float:
    """How far the deaths are from the sum of their risks, in standard deviations."""
    return float((died - risk).sum() / np.sqrt((risk * (1 - risk)).sum()))


def auroc(risk: np.ndarray, died: np.ndarray) -> float:
    above = risk[died][:, None] - risk[~died][None, :]
    return float((above > 0).mean() + (above == 0).mean() / 2)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    to = tmp_path_factory.mktemp("cohort")
    synthesise_eicu(to, 4_000, 11, SyntheticSettings())
    return to


@pytest.fixture(scope="module")
def latent() -> Stays:
    settings = SyntheticSettings()
    hospitals = draw_hospitals(settings.hospitals, 5)
    drawn = draw_admissions(40_000, 0.0, settings.orphan_rate, hospitals, stream(5, 0, "admissions"))
    return run_stays(drawn, 10**9, TAU, stream(5, 0, "stays"))


# Repeatable


def test_same_seed_gives_the_same_bytes_and_another_seed_does_not(tmp_path: Path) -> None:
    for name, seed in (("first", 3), ("again", 3), ("other", 4)):
        synthesise_eicu(tmp_path / name, 60, seed, SyntheticSettings(odd_rows=True))
    files = sorted(p.relative_to(tmp_path / "first") for p in (tmp_path / "first").rglob("*") if p.is_file())
    assert len(files) == len(COLUMNS) + 5
    for file in files:
        first, again, other = ((tmp_path / name / file).read_bytes() for name in ("first", "again", "other"))
        assert first == again, file
        assert first != other or file.name == "odd_rows.json", file


def test_chunks_join_into_one_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write, "PATIENTS_PER_CHUNK", 40)
    synthesise_eicu(tmp_path, 200, 1, SyntheticSettings())
    wanted = {*(f"{name}.csv.gz" for name in COLUMNS), "truth", "manifest.json"}
    assert {path.name for path in tmp_path.iterdir()} == wanted
    assert gzip.decompress((tmp_path / "lab.csv.gz").read_bytes()).count(b"labresulttext") == 1
    patient = raw(tmp_path, "patient")
    assert patient.height == patient[STAY].n_unique() == 200
    assert set(patient[STAY].cast(pl.Int64)) == set(truth_of(tmp_path)["stay_id"])
    for table in MODALITY_OF:
        rows = raw(tmp_path, table)
        assert rows[COLUMNS[table][0]].n_unique() == rows.height, table
        assert rows[STAY].is_in(patient[STAY].implode()).all(), table


def test_what_is_missing_changes_nothing_else(tmp_path: Path) -> None:
    for name, rate in (("full", 0.0), ("thin", 0.5)):
        synthesise_eicu(tmp_path / name, 120, 9, SyntheticSettings(mechanism="outcome", missing_rate=rate))
    truth = truth_of(tmp_path / "thin")
    assert (
        truth_of(tmp_path / "full")
        .select("stay_id", "true_risk", "died")
        .equals(truth.select("stay_id", "true_risk", "died"))
    )
    for table, modality in MODALITY_OF.items():
        here = truth.filter(~pl.col(f"missing_{modality}"))["stay_id"].cast(pl.String)
        full = raw(tmp_path / "full", table)
        assert full[STAY].n_unique() == 120 or MODALITY_OF[table] == "vitals", table
        assert raw(tmp_path / "thin", table).equals(full.filter(pl.col(STAY).is_in(here.implode()))), table


def test_tables_are_the_rows_of_the_chunks_in_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """With the header once; the truth sorted over all chunks."""
    monkeypatch.setattr(write, "PATIENTS_PER_CHUNK", 40)
    settings = SyntheticSettings(odd_rows=True)
    synthesise_eicu(tmp_path, 100, 1, settings)
    cohort, made = Cohort(EicuLayout(settings, 1)), Made()
    tables: dict[str, bytes] = dict.fromkeys(MODALITY_OF, b"") | {"patient": b""}
    truth: list[pl.DataFrame] = []
    while made.stays < 100:
        each = cohort.chunk(made, min(40, 100 - made.stays), 100 - made.stays)
        for name, rows in each.written.tables.items():
            tables[name] += rows.write_csv(include_header=not made.chunks).encode()
        truth.append(each.truth["stays"])
        made.add(each.facts)
    assert made.chunks > 1
    for name, text in tables.items():
        assert gzip.decompress((tmp_path / f"{name}.csv.gz").read_bytes()) == text, name
    assert truth_of(tmp_path).equals(pl.concat(truth).sort("stay_id"))


def test_a_complete_folder_is_left_alone_and_another_cohort_refused(tmp_path: Path):
    assert not synthesise_eicu(tmp_path / "raw", 20, 3, SyntheticSettings())
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in tmp_path.rglob("*") if path.is_file()}
    assert synthesise_eicu(tmp_path / "raw", 20, 3)
    for stays, seed, settings in ((21, 3, None), (20, 4, None), (20, 3, SyntheticSettings(odd_rows=True))):
        with pytest.raises(RunError, match="made with other settings or inputs"):
            synthesise_eicu(tmp_path / "raw", stays, seed, settings)
    after = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in tmp_path.rglob("*") if path.is_file()}
    assert after == before


@pytest.mark.parametrize("wrong", [{"stays": 0}, {"seed": -1}])
def test_impossible_requests_are_refused(tmp_path: Path, wrong: dict[str, int]) -> None:
    with pytest.raises(UsageError):
        synthesise_eicu(tmp_path, **{"stays": 5, "seed": 0, **wrong})


@pytest.mark.parametrize(
    "wrong",
    [{"mechanism": "moon"}, {"missing_rate": 1.0}, {"mortality": 0.9}, {"vitals_every_min": 7}, {"hospitals": 0}],
)
@pytest.mark.usefixtures("unchecked_signatures")
def test_settings_out_of_range_are_refused(wrong: dict) -> None:
    with pytest.raises(UsageError, match=next(iter(wrong))):
        SyntheticSettings(**wrong)


# The published shape


@pytest.mark.parametrize("table", [pytest.param(name, marks=needs_demo) for name in COLUMNS if name != "nurseCharting"])
def test_columns_are_those_of_the_demo(cohort: Path, table: str) -> None:
    with gzip.open(DEMO / f"{table}.csv.gz", "rt") as demo:
        header = demo.readline().strip()
    assert ",".join(COLUMNS[table]) == header
    assert ",".join(raw(cohort, table).columns) == header


@pytest.mark.parametrize(
    ("table", "column"),
    [
        pytest.param(*pair, marks=needs_demo)
        for pair in (
            ("diagnosis", "diagnosisstring"),
            ("diagnosis", "icd9code"),
            ("treatment", "treatmentstring"),
            ("medication", "drughiclseqno"),
            ("infusiondrug", "drugname"),
            ("intakeOutput", "cellpath"),
            ("pastHistory", "pasthistorypath"),
            ("patient", "apacheadmissiondx"),
            ("patient", "unitadmitsource"),
            ("patient", "unitdischargelocation"),
            ("patient", "hospitaldischargelocation"),
            ("patient", "unittype"),
            ("patient", "ethnicity"),
            ("apachePredVar", "admitdiagnosis"),
        )
    ],
)
def test_names_are_those_of_the_demo(cohort: Path, table: str, column: str) -> None:
    known = set(raw(DEMO, table)[column].drop_nulls())
    assert set(raw(cohort, table)[column].drop_nulls()) <= known


@needs_demo[0]
@needs_demo[1]
def test_labs_and_units_are_those_of_the_demo(cohort: Path) -> None:
    columns = ["labname", "labtypeid", "labmeasurenamesystem"]
    demo = pl.concat([raw(DATA / "eicu-demo-raw-lab", "lab"), raw(DEMO, "lab")]).select(columns).unique()
    ours = raw(cohort, "lab").select(columns).unique()
    assert ours.join(demo, on=columns, how="anti", nulls_equal=True).is_empty()


def test_times_are_in_order(cohort: Path) -> None:
    patient = raw(cohort, "patient").with_columns(pl.col("^.*offset$", "unitvisitnumber").cast(pl.Int64))
    assert (patient["hospitaladmitoffset"] <= 0).all()
    assert (patient["unitdischargeoffset"] > 0).all()
    assert (patient["hospitaldischargeoffset"] >= patient["unitdischargeoffset"]).all()
    clock = patient.select(
        STAY,
        hospital="patienthealthsystemstayid",
        visit="unitvisitnumber",
        begin=-pl.col("hospitaladmitoffset"),
        end=pl.col("unitdischargeoffset") - pl.col("hospitaladmitoffset"),
        discharge=pl.col("hospitaldischargeoffset") - pl.col("hospitaladmitoffset"),
    ).sort("hospital", "visit")
    assert (clock["discharge"] == clock.select(pl.col("discharge").first().over("hospital"))["discharge"]).all()
    later = clock.filter(pl.col("visit") > 1).height
    follows = clock.select((pl.col("begin") >= pl.col("end").shift(1).over("hospital")).drop_nulls())
    assert later == follows.height > 100
    assert follows.to_series().all()

    ends = patient.select(STAY, end="unitdischargeoffset")
    happened = {
        "diagnosis": "diagnosisoffset",
        "treatment": "treatmentoffset",
        "medication": "drugstartoffset",
        "lab": "labresultoffset",
        "vitalPeriodic": "observationoffset",
        "vitalAperiodic": "observationoffset",
        "nurseCharting": "nursingchartoffset",
        "infusiondrug": "infusionoffset",
        "intakeOutput": "intakeoutputoffset",
        "pastHistory": "pasthistoryoffset",
    }
    for table, column in happened.items():
        rows = raw(cohort, table).join(ends, on=STAY)
        assert (rows[column].cast(pl.Int64) <= rows["end"]).all(), table


def test_results_and_entries_come_after_the_fact(cohort: Path) -> None:
    pairs = {
        "lab": ("labresultoffset", "labresultrevisedoffset"),
        "nurseCharting": ("nursingchartoffset", "nursingchartentryoffset"),
        "intakeOutput": ("intakeoutputoffset", "intakeoutputentryoffset"),
        "pastHistory": ("pasthistoryoffset", "pasthistoryenteredoffset"),
    }
    for table, (fact, known) in pairs.items():
        lag = raw(cohort, table).select(pl.col(known).cast(pl.Int64) - pl.col(fact).cast(pl.Int64)).to_series()
        assert lag.min() >= 0, table
        assert lag.mean() > 3, table
    assert 20 < float(raw(cohort, "lab").select(_lag_of_labs()).to_series().median()) < 50


def _lag_of_labs() -> pl.Expr:
    sent = pl.col("labtypeid").is_in(["1", "3"])
    return (pl.col("labresultrevisedoffset").cast(pl.Int64) - pl.col("labresultoffset").cast(pl.Int64)).filter(sent)


def test_patients_have_several_stays_and_none_after_death(cohort: Path) -> None:
    patient, truth = raw(cohort, "patient"), truth_of(cohort)
    assert 0.03 < patient["uniquepid"].null_count() / patient.height < 0.08
    assert truth["subject_key"].n_unique() < truth["hospital_stay_id"].n_unique() < truth.height
    deaths = truth.filter("died").group_by("subject_key").agg(pl.col("hospital_stay_id").n_unique())
    assert (deaths["hospital_stay_id"] == 1).all()
    assert (patient["age"] == "> 89").any()
    assert patient["hospitalid"].n_unique() == 50
    joined = patient.join(truth.with_columns(pl.col("stay_id").cast(pl.String)), left_on=STAY, right_on="stay_id")
    assert ((joined["hospitaldischargestatus"] == "Expired") == joined["died"]).all()
    assert ((joined["unitdischargestatus"] == "Expired") == joined["died_in_unit"]).all()


# The truth


def test_risk_solves_the_equations_of_the_docstring() -> None:
    chain, x, top = solved_chain(), LATTICE, LATTICE.size - 1

    def s(logit: float) -> float:
        return 1 / (1 + float(np.exp(-logit)))

    for m in (0, 9, 20, top):
        for k in range(top + 1):
            d, u, q = s(-10 + 1.6 * x[k]), s(-4 - 0.4 * x[k]), 1 - s(-10 + 1.6 * x[k])
            up = min(max(0.3 * (1 + 0.2 * (x[m] - x[k])), 0), 0.6) * (k < top)
            down = min(max(0.3 * (1 - 0.2 * (x[m] - x[k])), 0), 0.6) * (k > 0)
            back, ward = s(-2.7 + 0.35 * x[k]), s(-4.6 + 1.4 * x[k])
            exit_risk = back * chain.risk[m, min(k + 4, top)] + (1 - back) * ward
            step = up * chain.risk[m, min(k + 1, top)] + down * chain.risk[m, max(k - 1, 0)]
            step += (1 - up - down) * chain.risk[m, k]
            assert chain.risk[m, k] == pytest.approx(d + q * u * exit_risk + q * (1 - u) * step, rel=1e-12)


def test_risk_is_calibrated_at_every_hour(latent: Stays) -> None:
    every, level = np.arange(latent.size), latent.of_stay("level")
    for hour in HOURS:
        here = latent.hours > hour
        risk = solved_chain().risk[level, latent.state_at(every, np.full(latent.size, hour))]
        assert abs(z_of(risk[here], latent.died[here])) < 3.5, hour
        for part in np.array_split(np.argsort(risk[here]), 10):
            assert abs(z_of(risk[here][part], latent.died[here][part])) < 4, hour
    left = latent.hours <= 24
    early = solved_chain().early_risk[level, latent.path[latent.start]]
    assert abs(z_of(early[left], latent.died[left])) < 3.5
    assert abs(z_of(1.15 * early[left], latent.died[left])) > 3.5, "the check would not see a risk that is off by 15 %"


def test_written_risks_are_calibrated_and_rank_well(cohort: Path) -> None:
    truth = truth_of(cohort)
    died = truth["died"].to_numpy()
    assert truth["true_risk"].is_between(0, 1).all()
    assert abs(z_of(truth["true_risk"].to_numpy(), died)) < 3.5
    assert abs(died.mean() - 0.10) < 0.02
    for hour in HOURS:
        risk = truth[f"true_risk_at_{hour}h"]
        here = risk.is_not_null().to_numpy()
        assert (here == (truth["unit_los_h"].to_numpy() > hour)).all()
        assert abs(z_of(risk.to_numpy()[here], died[here])) < 3.5, hour
    at_24h = truth.filter(pl.col("true_risk_at_24h").is_not_null())
    assert (at_24h["true_risk"] == at_24h["true_risk_at_24h"]).all()
    assert 0.83 < auroc(at_24h["true_risk"].to_numpy(), at_24h["died"].to_numpy()) < 0.91
    best = json.loads((cohort / "truth" / "settings.json").read_text())["best"]["24h"]
    assert best["n_stays"] == at_24h.height
    assert 0.85 < best["auroc"] < 0.90


def test_hourly_risks_are_those_of_the_stays(cohort: Path) -> None:
    hours = pl.read_parquet(cohort / "truth" / "hours.parquet")
    truth = truth_of(cohort)
    counts = hours.group_by("stay_id").len().join(truth, on="stay_id")
    assert counts.height == truth.height
    assert (counts["len"] == (counts["unit_los_h"].floor() + 1)).all()
    for hour in HOURS:
        both = (
            truth.select("stay_id", f"true_risk_at_{hour}h")
            .drop_nulls()
            .join(hours.filter(pl.col("hour") == hour), on="stay_id", how="full")
        )
        assert both.null_count().sum_horizontal().item() == 0
        assert (both[f"true_risk_at_{hour}h"] == both["risk"]).all()


def test_expected_auroc_is_the_mean_over_drawn_labels() -> None:
    risk = np.array([0.1, 0.1, 0.4, 0.7, 0.9])
    pairs = [
        (risk[i] * (1 - risk[j]), (risk[i] > risk[j]) + (risk[i] == risk[j]) / 2)
        for i in range(5)
        for j in range(5)
        if i != j
    ]
    weight = np.array([pair[0] for pair in pairs])
    assert expected_auroc(risk) == pytest.approx(float(weight @ [pair[1] for pair in pairs] / weight.sum()))
    assert expected_auroc(np.array([0.5])) == 0.5


def test_the_tables_tell_of_severity_and_no_one_modality_tells_all(cohort: Path) -> None:
    truth = truth_of(cohort).select(pl.col("stay_id").cast(pl.String).alias(STAY), "severity")
    first_day = raw(cohort, "vitalPeriodic").filter(pl.col("observationoffset").cast(pl.Int64) < 360)
    pulse = first_day.group_by(STAY).agg(pl.col("heartrate").cast(pl.Float64).mean().alias("seen"))
    gap = raw(cohort, "lab").filter((pl.col("labname") == "RDW") & (pl.col("labresultoffset").cast(pl.Int64) < 1))
    width = gap.select(STAY, seen=pl.col("labresult").cast(pl.Float64))
    for table in (pulse, width):
        both = table.join(truth, on=STAY).drop_nulls()
        assert 0.2 < np.corrcoef(both["seen"], both["severity"])[0, 1] < 0.7


# Missingness


@pytest.mark.parametrize("mechanism", ["random", "severity", "outcome"])
def test_missingness_has_the_stated_rate_and_mechanism(cohort: Path, tmp_path: Path, mechanism: str) -> None:
    if mechanism != "severity":
        synthesise_eicu(tmp_path, 1_500, 2, SyntheticSettings(mechanism, missing_rate=0.3, missing_strength=2))  # pyright: ignore
    folder, rate = (cohort, 0.4) if mechanism == "severity" else (tmp_path, 0.3)
    truth = truth_of(folder)
    bound = 4 / np.sqrt(truth.height)
    for name in MODALITIES:
        missing, prob = truth[f"missing_{name}"].to_numpy(), truth[f"p_missing_{name}"].to_numpy()
        assert abs(missing.mean() - rate) < bound / 2, name
        assert abs(z_of(prob, missing)) < 4, name
        with_severity = abs(np.corrcoef(missing, truth["severity"])[0, 1])
        with_death = abs(np.corrcoef(missing, truth["died"])[0, 1])
        assert (with_severity > 0.3) == (mechanism == "severity"), name
        if mechanism == "random":
            assert max(with_severity, with_death) < bound, name
        if mechanism == "outcome":
            assert with_death > 0.1, name
            survivors = truth.filter(~pl.col("died"))
            assert abs(np.corrcoef(survivors[f"missing_{name}"], survivors["severity"])[0, 1]) < bound, name


def test_a_stay_has_rows_exactly_where_the_modality_is_not_missing(cohort: Path) -> None:
    truth = truth_of(cohort)
    for name in MODALITIES:
        tables = [table for table, modality in MODALITY_OF.items() if modality == name]
        seen = set().union(*(set(raw(cohort, table)[STAY].cast(pl.Int64)) for table in tables))
        assert seen == set(truth.filter(~pl.col(f"missing_{name}"))["stay_id"]), name


# Odd rows


def test_the_account_of_odd_rows_is_what_lies_in_the_files(tmp_path: Path) -> None:
    synthesise_eicu(tmp_path / "clean", 150, 6, SyntheticSettings())
    synthesise_eicu(tmp_path / "odd", 150, 6, SyntheticSettings(odd_rows=True))
    account = json.loads((tmp_path / "odd" / "truth" / "odd_rows.json").read_text())
    assert set(account["tables"]) == set(COLUMNS) - {"hospital"}
    known = raw(tmp_path / "clean", "patient")[STAY]
    for table, kinds in account["tables"].items():
        clean, odd = raw(tmp_path / "clean", table), raw(tmp_path / "odd", table)
        assert odd.height == clean.height + sum(kinds.values()), table
        assert odd.height - odd.unique().height == kinds["duplicate_row"], table
        assert odd[STAY].null_count() == kinds["blank_id"], table
        if table != "patient":
            strangers = odd.filter(pl.col(STAY).is_not_null() & ~pl.col(STAY).is_in(known.implode()))
            assert strangers.height == kinds["unknown_stay"], table
    lab, patient = raw(tmp_path / "odd", "lab"), raw(tmp_path / "odd", "patient")
    counts, stays = account["tables"]["lab"], account["tables"]["patient"]
    number = pl.col("labresult").cast(pl.Float64, strict=False)
    assert lab.filter(number.is_null() & pl.col("labresult").is_not_null()).height == counts["not_a_number"]
    assert lab.filter(number > 1e6).height == counts["out_of_range"]
    assert lab.filter(pl.col("labmeasurenamesystem") == "furlongs").height == counts["unknown_unit"]
    assert lab.filter(pl.col("labresultoffset").cast(pl.Int64) > 525_600).height == counts["year_long_offset"]
    assert (
        patient.filter(pl.col("unitdischargeoffset").cast(pl.Int64, strict=False) < 0).height == stays["negative_stay"]
    )
    assert patient.filter(pl.col("age") == "212").height == stays["impossible_age"]
    planted = {number for numbers in account["stay_ids"].values() for number in numbers}
    assert planted == set(patient[STAY].drop_nulls().cast(pl.Int64)) - set(known.cast(pl.Int64))
    assert not planted & set(truth_of(tmp_path / "odd")["stay_id"])
