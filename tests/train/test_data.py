"""A DATA folder opened for a window: who is on which side, hours elapsed, the layout of rows, bin edges."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from timelines import hand, random_timelines, write_data
from wardround import files
from wardround.batches.content import ContentSettings
from wardround.batches.features import FeatureSettings
from wardround.batches.store import InputSettings, event_store, fit_featuriser
from wardround.errors import DataError, UsageError
from wardround.models.modality_encoder import EncoderSettings, RowShape
from wardround.tasks.cohort import Cohort, Window
from wardround.tasks.splits import SplitPlan, split_stays
from wardround.tasks.task import TASKS
from wardround.train.data import Sides, bin_edges, open_data, opened, row_shapes, sides_of

MORTALITY = TASKS["mortality"]
LAB, HEPARIN = ("lab", "LAB//sodium"), ("medication", "MEDICATION//heparin")


def three(**columns) -> list[dict]:
    return [{"stay_id": stay, **columns} for stay in (1, 2, 3)]


@pytest.fixture
def by_hand(tmp_path: Path) -> Path:
    """Three stays; sodium of 1 and 2 by hour 24 and once more after it, heparin of 3 and 1."""
    events = [
        (1, 60, 60, *LAB, 140.0),
        (1, 90, 90, *LAB, 150.0),
        (2, 60, 60, *LAB, 130.0),
        (2, 3000, 3000, *LAB, 999.0),
        (3, 10, 10, *HEPARIN, None),
        (1, 10, 10, *HEPARIN, None),
    ]
    stays = three()
    stays[1] |= {"hospital_start": -600}
    return write_data(tmp_path / "data", hand(events, stays))


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("many") / "data", random_timelines(5, 120))


def test_hours_in_hospital_at_the_prediction_time(by_hand: Path):
    """Admitted an hour before the unit, ten hours before it; in the order of the cohort."""
    data = open_data(by_hand, Window(at_h=6.0))
    chosen = data.cohort(MORTALITY)
    assert data.elapsed_h(chosen).tolist() == [7, 16, 7]
    assert data.elapsed_h(replace(chosen, frame=chosen.frame[[1, 0]])).tolist() == [16, 7]


def test_what_is_opened_is_what_lies_there(by_hand: Path):
    data = open_data(by_hand, Window())
    assert data.stays["stay_id"].to_list() == [1, 2, 3]
    assert data.lines.stay_ids.tolist() == [1, 2, 3]
    assert data.cohort(None).frame["label"].null_count() == 3
    with pytest.raises(DataError, match="not a folder"):
        open_data(by_hand / "nowhere", Window())


def test_sides_are_those_of_the_split_of_the_patients(many: Path):
    data, plan = open_data(many, Window()), SplitPlan(seed=4)
    chosen = data.cohort(MORTALITY)
    sides, table = sides_of(data, chosen, plan, "split")
    assert table.equals(split_stays(data.stays, plan))
    of = dict(table.select("stay_id", "split").iter_rows())
    assert sides.split.tolist() == [of[stay] for stay in chosen.frame["stay_id"]]
    parts = [sides.part(side).frame for side in ("train", "val", "test")]
    assert pl.concat(parts).sort("stay_id").equals(chosen.frame)
    assert sides.part("val").excluded == chosen.excluded


def test_pretraining_and_fine_tuning_have_sides_of_their_own(many: Path):
    data = open_data(many, Window())
    plan = SplitPlan(pretrain_on="disjoint")
    pretraining, table = sides_of(data, data.cohort(None), plan, "pretrain_split")
    tuning, _ = sides_of(data, data.cohort(MORTALITY), plan, "split")
    subjects = [sides.part("train").frame["subject_id"] for sides in (pretraining, tuning)]
    assert not set(subjects[0]) & set(subjects[1])
    assert None in tuning.split.tolist(), "the stays of patients that were pretrained on"
    assert table["split"].null_count() > 0


def test_a_side_that_nobody_is_on_is_named(by_hand: Path):
    data = open_data(by_hand, Window())
    chosen = data.cohort(MORTALITY)
    sides = Sides(chosen, np.asarray(["train", "train", None], object))
    assert sides.members("train").tolist() == [0, 1]
    with pytest.raises(DataError, match="no stay of the cohort is on the val side"):
        sides.members("val")


def test_data_that_leaves_nobody_to_validate_on_is_refused(many: Path):
    data = open_data(many, Window())
    chosen = data.cohort(MORTALITY)
    sides, _ = sides_of(data, chosen, SplitPlan(), "split")
    train = Cohort(sides.part("train").frame, {}, chosen.window)
    with pytest.raises(DataError, match="on the val side"):
        sides_of(data, train, SplitPlan(), "split")


def opened_rows(folder: Path):
    """The store of the three stays, and its featuriser."""
    settings = InputSettings(
        features=FeatureSettings(min_stay_share=0.0), content=ContentSettings(summaries=("last", "count"))
    )
    data = open_data(folder, Window())
    chosen = data.cohort(MORTALITY)
    featuriser = fit_featuriser(data.lines, chosen, settings)
    return event_store(data.lines, chosen, featuriser, sequences=False), featuriser


def test_rows_are_laid_out_as_the_encoders_read_them(by_hand: Path):
    store, featuriser = opened_rows(by_hand)
    shapes = row_shapes(featuriser)
    assert shapes == {"lab": RowShape(2, 1, 0), "medication": RowShape(2, 0, 1)}
    assert {name: shape.width for name, shape in shapes.items()} == featuriser.widths
    assert {name: rows.shape[1] for name, rows in store.content.items()} == featuriser.widths


def test_bin_edges_are_quantiles_of_the_last_states_of_the_members(by_hand: Path):
    """Sodium of stays 1 and 2, last value and count: between those of the two where both are asked."""
    store, featuriser = opened_rows(by_hand)
    settings = EncoderSettings(kind="quantile", bins=1)
    edges = bin_edges(store, np.arange(3), row_shapes(featuriser), settings)
    rows = store.content["lab"][store.last[:2, 0]]
    assert list(edges) == ["lab"], "codes have none"
    lowest, highest = edges["lab"].T
    torch.testing.assert_close(lowest, torch.from_numpy(rows[:, :2].min(axis=0)))
    torch.testing.assert_close(highest, torch.from_numpy(rows[:, :2].max(axis=0)))
    assert (lowest < highest).all(), "150 was seen after 140, 130 alone: values and counts differ"
    alone = bin_edges(store, np.asarray([0, 2]), row_shapes(featuriser), settings)["lab"]
    assert not torch.equal(alone, edges["lab"]), "of members alone"


def test_the_plain_encoder_needs_no_edges(by_hand: Path):
    store, featuriser = opened_rows(by_hand)
    assert bin_edges(store, np.arange(3), row_shapes(featuriser), EncoderSettings("tabular")) == {}


# Folders that another tool wrote, under a sound manifest


def rewritten(folder: Path, name: str, change: Callable[[pl.DataFrame], pl.DataFrame]) -> Path:
    manifest = files.read_json(folder / "manifest.json")
    files.write_table(folder / name, change(files.read_table(folder / name)))
    files.write_manifest(folder, "data", manifest["inputs"], manifest["settings"], manifest["version"])
    return folder


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("stays.parquet", lambda t: t.drop("end"), r"stays\.parquet: column end is missing"),
        ("stays.parquet", lambda t: t.cast({"age": pl.Int32}), "column age is Int32, expected Float32"),
        ("stays.parquet", lambda t: t.cast({"start": pl.Datetime("ns")}), "column start is Datetime.*'ns'"),
        ("stays.parquet", lambda t: pl.concat([t, t[:1]]), "has a stay twice or without its start"),
        ("stays.parquet", lambda t: t.with_columns(start=pl.lit(None, pl.Datetime("us"))), "without its start"),
        ("data/0.parquet", lambda t: t.drop("code"), r"0\.parquet: column code is missing"),
        ("data/0.parquet", lambda t: t.cast({"stay_id": pl.String}), "column stay_id is String, expected Int64"),
        ("data/0.parquet", lambda t: t.with_columns(code=pl.lit("LAB//new")), "a code that .* lists not once"),
        ("data/0.parquet", lambda t: t.with_columns(available_time=pl.lit(None, pl.Datetime("us"))), "lack a time"),
        ("metadata/codes.parquet", lambda t: t.drop("code"), "column code is missing"),
        ("metadata/codes.parquet", lambda t: pl.concat([t, t[:1]]), "a code that .* lists not once"),
    ],
)
@pytest.mark.parametrize("protocol", ["causal", "paper"])
def test_a_folder_with_other_columns_is_refused_by_name(
    by_hand: Path, name: str, change: Callable, message: str, protocol: str
):
    folder = rewritten(by_hand, name, change)
    with pytest.raises(DataError, match=message):
        open_data(folder, Window(protocol, 24.0))  # type: ignore[arg-type]
    assert list(folder.glob("cache/*")) == [], "nothing half-made is left"


def test_columns_of_one_s_own_are_nobody_s_business(by_hand: Path):
    rewritten(by_hand, "stays.parquet", lambda table: table.with_columns(ward=pl.lit("4b")))
    rewritten(by_hand, "data/0.parquet", lambda table: table.with_columns(nurse=pl.lit("n")))
    data = open_data(by_hand, Window())
    assert "ward" not in data.stays.columns
    assert len(data.lines.minute) == 6


def test_what_is_open_is_taken_as_it_is_for_its_own_window_alone(by_hand: Path):
    made = open_data(by_hand, Window(), quiet=True)
    assert opened(made, Window()) is made
    assert opened(by_hand, Window(), quiet=True).hash == made.hash
    with pytest.raises(UsageError, match="was opened for"):
        opened(made, Window("causal", 12.0))
