"""The hidden work folder (`promises/test_17_etl_resumes.py` kills and damages it)."""

from pathlib import Path

import pytest

from wardround import files
from wardround.errors import RunError
from wardround.sources.work_folder import open_work

OUTPUTS = ("data", "ledger.json")
PLAN = {"inputs": {"lab": "abc"}}
LEFTOVER = ".ledger.json.1-0123456789abcdef.partial"
"""What a killed writer of `ledger.json` leaves."""


def test_a_step_is_finished_with_its_facts_and_files(tmp_path: Path):
    work = open_work(tmp_path / "to", PLAN, OUTPUTS)
    assert work.facts("tables", "lab") is None
    made = work.path / "parts" / "0"
    files.write_text(made, "rows")
    work.finish("tables", "lab", {"rows": 3}, [made])
    assert open_work(tmp_path / "to", PLAN, OUTPUTS).facts("tables", "lab") == {"rows": 3}
    made.write_text("other")
    assert work.facts("tables", "lab") is None


@pytest.mark.parametrize("record", ["[]", "{}", '{"facts": {"rows": 9}, "files": {}, "hash": "0"}', "not json"])
def test_a_record_that_was_changed_is_no_record(tmp_path: Path, record: str):
    work = open_work(tmp_path / "to", PLAN, OUTPUTS)
    work.finish("tables", "lab", {"rows": 3}, [])
    (work.path / "tables" / "lab.json").write_text(record)
    assert work.facts("tables", "lab") is None


def test_another_plan_begins_anew(tmp_path: Path):
    work = open_work(tmp_path / "to", PLAN, OUTPUTS)
    work.finish("tables", "lab", {}, [])
    for name in ("data/0.parquet", "ledger.json", LEFTOVER):
        files.write_text(tmp_path / "to" / name, "old")
    again = open_work(tmp_path / "to", {"inputs": {}}, OUTPUTS)
    assert sorted(path.name for path in (tmp_path / "to").rglob("*")) == [".work", "plan.json"]
    assert files.read_json(again.path / "plan.json") == {"inputs": {}}


def test_a_kill_before_the_first_plan_is_no_obstacle(tmp_path: Path):
    files.write_text(tmp_path / "to" / ".work" / ".plan.json.1-0123456789abcdef.partial", "{")
    open_work(tmp_path / "to", PLAN, OUTPUTS)
    assert files.read_json(tmp_path / "to" / ".work" / "plan.json") == PLAN


@pytest.mark.parametrize(
    "name", ["data/0.parquet", "notes.txt", ".hidden", ".work/other", ".work/plan.json/x", LEFTOVER]
)
def test_a_folder_without_a_plan_is_somebodys(tmp_path: Path, name: str):
    files.write_text(tmp_path / "to" / name, "theirs")
    if name == ".work/plan.json/x":
        files.write_text(tmp_path / "to" / "mine.txt", "theirs")
    with pytest.raises(RunError, match="holds files that this command did not make"):
        open_work(tmp_path / "to", PLAN, OUTPUTS)
    assert (tmp_path / "to" / name).read_text() == "theirs"


def test_a_file_beside_our_work_is_somebodys_too(tmp_path: Path):
    open_work(tmp_path / "to", PLAN, OUTPUTS)
    files.write_text(tmp_path / "to" / "notes.txt", "theirs")
    with pytest.raises(RunError, match="holds files that this command did not make"):
        open_work(tmp_path / "to", PLAN, OUTPUTS)


@pytest.mark.parametrize("name", ["truth/notes.txt", "truth/deeper/stays.parquet", "truth/.stays.parquet.partial"])
def test_of_a_folder_that_is_shared_only_the_named_files_are_ours(tmp_path: Path, name: str):
    outputs = ("lab.csv.gz", "truth/stays.parquet")
    open_work(tmp_path / "to", PLAN, outputs)
    for each in ("lab.csv.gz", "truth/stays.parquet", f"truth/{LEFTOVER.replace('ledger.json', 'stays.parquet')}"):
        files.write_text(tmp_path / "to" / each, "ours")
    open_work(tmp_path / "to", {"inputs": {}}, outputs)
    assert sorted(path.name for path in (tmp_path / "to").rglob("*")) == [".work", "plan.json", "truth"]
    files.write_text(tmp_path / "to" / name, "theirs")
    with pytest.raises(RunError, match="holds files that this command did not make"):
        open_work(tmp_path / "to", PLAN, outputs)
    assert (tmp_path / "to" / name).read_text() == "theirs"


def test_a_link_in_the_place_of_a_folder_is_somebodys(tmp_path: Path):
    outputs = ("truth/stays.parquet",)
    files.write_text(tmp_path / "theirs" / "stays.parquet", "theirs")
    open_work(tmp_path / "to", PLAN, outputs)
    (tmp_path / "to" / "truth").symlink_to(tmp_path / "theirs")
    with pytest.raises(RunError, match="holds files that this command did not make"):
        open_work(tmp_path / "to", {"inputs": {}}, outputs)
    assert (tmp_path / "theirs" / "stays.parquet").read_text() == "theirs"


def test_removing_and_discarding(tmp_path: Path):
    work = open_work(tmp_path / "to", PLAN, OUTPUTS)
    files.write_text(tmp_path / "to" / "ledger.json", "{}")
    work.remove()
    assert [path.name for path in (tmp_path / "to").iterdir()] == ["ledger.json"]
    work = open_work(tmp_path / "other", PLAN, OUTPUTS)
    work.discard()
    assert not (tmp_path / "other").exists()
