"""A recipe is read whole or refused with the file, the key and what there is."""

from dataclasses import replace
from pathlib import Path

import pytest

from wardround.compare.cells import Hashes, cells_of
from wardround.compare.recipe import Recipe
from wardround.compare.recipe_file import read_recipe
from wardround.compare.spaces import SPACES, Choice, Range
from wardround.errors import UsageError
from wardround.methods.registry import KNOWN_METHODS, METHODS
from wardround.tasks.cohort import Window
from wardround.tasks.splits import SplitPlan
from wardround.tasks.task import KNOWN_TASKS, TASKS

RECIPES = Path(__file__).parents[2] / "recipes"
TOP = 'data = "data"\ntasks = ["mortality"]\n'
ROWS = '[[rows]]\nmethod = "boosting"\n[[rows]]\nmethod = "mlp"\n'
ENCODERS = '[encoders.aligned]\nloss = "masked-global"\n'


def recipe(folder: Path, text: str) -> Recipe:
    (folder / "r.toml").write_text(text)
    return read_recipe(folder / "r.toml")


@pytest.mark.parametrize("file", sorted(RECIPES.glob("*.toml")), ids=lambda file: file.stem)
def test_the_recipes_that_are_shipped_can_be_read(file: Path):
    found = read_recipe(file)
    ablations = {"challenge2012_ablation": "mlp", "challenge2012_ablation_trajectory": "trajectory"}
    assert found.against == ablations.get(file.stem, "boosting")
    assert f"wardround compare recipes/{file.name} --to" in file.read_text()


def test_there_is_one_for_the_demo_and_one_for_the_challenge():
    assert {file.stem for file in RECIPES.glob("*.toml")} == {
        "eicu_mortality_24h",
        "eicu_paper_protocol",
        "challenge2012_a_to_b",
        "challenge2012_searched",
        "challenge2012_teacher",
        "challenge2012_ablation",
        "challenge2012_ablation_trajectory",
        "mimic4_five_modalities",
        "mimic4_five_modalities_paper",
        "mimic4_phenotyping",
        "mimic_demo_phenotyping",
    }
    challenge = read_recipe(RECIPES / "challenge2012_a_to_b.toml")
    assert challenge.test_data == Path("data-b")
    assert challenge.splits == (SplitPlan(test=False),)
    assert {row.method for row in challenge.rows} == {"boosting", "logistic", "mlp", "lstm", "trajectory", "grud"}


def test_what_is_not_said_is_as_on_the_command_line(tmp_path: Path):
    found = recipe(tmp_path, TOP + ROWS)
    assert (found.window, found.splits, found.test_data, found.search) == (Window(), (SplitPlan(),), None, None)
    assert (found.draws, found.against) == (1000, "boosting")
    assert [(row.name, row.seeds, row.tasks) for row in found.rows] == [
        ("boosting", (0,), ("mortality",)),
        ("mlp", (0,), ("mortality",)),
    ]


@pytest.mark.parametrize(
    ("split", "expected"),
    [
        ("", (SplitPlan(test=False),)),
        ("[split]\nseeds = [1, 2]\n", (SplitPlan(1, test=False), SplitPlan(2, test=False))),
        ("[split]\nfolds = 2\n", (SplitPlan(fold=(1, 2)), SplitPlan(fold=(2, 2)))),
        ('[split]\nby = "time"\n', (SplitPlan(by="time"),)),
        ('[split]\npretrain_on = "disjoint"\n', (SplitPlan(pretrain_on="disjoint"),)),
        ("[split]\ntest = true\n", (SplitPlan(),)),
    ],
)
def test_where_another_cohort_judges_nobody_here_tests(tmp_path: Path, split: str, expected: tuple[SplitPlan, ...]):
    """Unless somebody is asked for."""
    assert recipe(tmp_path, TOP + 'test_data = "e"\n' + split + ROWS).splits == expected


def test_everything_that_can_be_said(tmp_path: Path):
    found = recipe(
        tmp_path,
        'data = "d"\ntest_data = "e"\ntasks = ["mortality", "los_remaining"]\nat_h = 12\nseeds = [3, 4]\ndraws = 50\n'
        'against = "b"\n[split]\nseeds = [1, 2]\nfolds = 2\nby = "hospital"\n' + ENCODERS + "set = { epochs = 7 }\n"
        '[[rows]]\nmethod = "boosting"\nname = "b"\nset = { leaves = 5 }\n'
        '[[rows]]\nmethod = "mlp"\nencoders = ["none", "aligned"]\nseeds = [9]\ntasks = ["mortality"]\n'
        'set = { loop.epochs = 2, model.train_encoders = false }\ntune = false\n[[rows]]\nmethod = "elapsed"\n'
        '[search]\ntrials = 5\nminutes = 1.5\ntrials_of.boosting = 2\nobjective = { mortality = "brier" }\n'
        "[search.space.boosting]\nmodel.leaves = { low = 3, high = 9 }\nl2 = { choices = [0.0, 1.0] }\n",
    )
    assert found.window == Window("causal", 12.0)
    assert found.splits == tuple(SplitPlan(seed, (fold, 2), "hospital") for seed in (1, 2) for fold in (1, 2))
    b, mlp, aligned, elapsed = found.rows
    assert (b.name, b.assignments, b.seeds) == ("b", ("leaves=5",), (3, 4))
    assert (mlp.name, mlp.encoders, mlp.tuned, mlp.seeds) == ("mlp", None, False, (9,))
    assert mlp.assignments == ("loop.epochs=2", "model.train_encoders=false")
    assert aligned.name == "mlp, aligned"
    assert aligned.encoders is not None
    assert aligned.encoders.assignments == ("alignment.loss=masked-global", "epochs=7")
    assert elapsed.seeds == (0,)
    search = found.search
    assert search is not None
    assert (search.budget("boosting"), search.budget("mlp"), search.minutes) == (2, 5, 1.5)
    assert search.objective == {"mortality": "brier", "los_remaining": "mae_h"}
    assert search.spaces == {"boosting": {"model.leaves": Range(3, 9), "l2": Choice((0.0, 1.0))}}


SEARCH = "[search]\ntrials = 2\n"
WRONG = {
    "nonsense": "not a TOML file",
    'dta = "x"\n' + TOP + ROWS: "dta: there is no such key. There are: tasks, seeds",
    'tasks = ["mortality"]\n' + ROWS: "data: is missing",
    TOP: "rows: is missing",
    TOP + "rows = 3": "one table or more is expected: \\[\\[rows\\]\\]",
    TOP.replace("mortality", "death") + ROWS: "tasks: there is no 'death'. There are: mortality, mortality_icu",
    TOP.replace('["mortality"]', '"mortality"') + ROWS: "tasks: a list with one or more of text is expected",
    TOP + "at_h = true\n" + ROWS: "at_h: a number is expected",
    TOP + "at_h = -3\n" + ROWS: "protocol, at_h: --at-h -3 is not an hour of a stay",
    TOP + 'protocol = "both"\n' + ROWS: "no protocol 'both'",
    TOP + "draws = 0\n" + ROWS: "draws: must be 1 or more",
    TOP + "seeds = [0, 0]\n" + ROWS: "seeds: the same value stands in it twice",
    TOP + "seeds = [-1]\n" + ROWS: "seeds: a seed is 0 or more",
    TOP + 'against = "lstm"\n' + ROWS: "against: no row 'lstm'. There are: boosting, mlp",
    TOP + 'test_data = "data"\n' + ROWS: "test_data: is data itself",
    TOP + ROWS + '[[rows]]\nmethod = "mlp"\n': "rows: 2 rows are called 'mlp'",
    TOP + '[[rows]]\nmethod = "boostin"\n': r"\[\[rows\]\] 1: method: there is no 'boostin'. There are: mlp, lstm",
    TOP + ROWS + "epochs = 3\n": r"\[\[rows\]\] 2: epochs: there is no such key. There are: method, encoders, name",
    TOP + ROWS + "set = { epoch = 3 }\n": r"\[\[rows\]\] 2: set: no setting 'epoch'",
    TOP + ROWS + "set = { epochs = 0 }\n": r"set: epochs must be above 0",
    TOP + ROWS + 'encoders = ["aligned"]\n': "encoders: there is no 'aligned'. There are: none",
    TOP + ENCODERS + ROWS + 'encoders = ["none", "aligned"]\nname = "x"': "name: 2 rows would have it",
    TOP + ENCODERS + '[[rows]]\nmethod = "boosting"\nencoders = ["aligned"]': "encoders: boosting is fitted whole",
    TOP + ENCODERS + '[[rows]]\nmethod = "grud"\nencoders = ["aligned"]': "encoders: grud has no encoders",
    TOP + ENCODERS + '[[rows]]\nmethod = "mlp"\nencoders = ["aligned"]\nset = { encoder.hidden = 4 }': (
        "set: inputs and encoder come with --encoders"
    ),
    TOP + ENCODERS.replace("masked-global", "all") + ROWS: r"\[encoders.aligned\] loss: there is no 'all'",
    TOP + ENCODERS + "set = { x = 1 }\n" + ROWS: r"\[encoders.aligned\] set: no setting 'x'",
    TOP + ENCODERS.replace("aligned", "none") + ROWS: "'none' stands for no pretraining",
    TOP + '[[rows]]\nmethod = "score"\nset = { a = 1 }': "set: no setting 'a'",
    TOP + "[split]\nfold = 5\n" + ROWS: r"\[split\] fold: there is no such key. There are: seeds, folds, by",
    TOP + "[split]\nfolds = 1\n" + ROWS: r"\[split\].*N at least 2",
    TOP + '[split]\nby = "ward"\n' + ROWS: r"\[split\].*there are patient, hospital, time",
    TOP + ROWS + "[search]\n": r"\[search\] trials: is missing",
    TOP + ROWS + SEARCH + "minutes = 0\n": "minutes: must be above 0",
    TOP + ROWS + SEARCH + "trials_of.grud = 3\n": r"\[search.trials_of\] grud: no row of that method is searched",
    TOP
    + ROWS
    + SEARCH
    + 'objective.mortality = "accuracy"\n': r"\[search.objective\] mortality: there is no 'accuracy'",
    TOP
    + ROWS
    + SEARCH
    + "space.boosting.lefs = { low = 1, high = 2 }\n": r"\[search.space\] boosting: no setting 'lefs'",
    TOP + ROWS + SEARCH + "space.boosting.leaves = { low = 1, high = 9 }\n": "boosting: leaves must be 2 or more",
    TOP + ROWS + SEARCH + "space.boosting.leaves = { low = 2.0, high = 9.0 }\n": "leaves is a whole number",
    TOP + ROWS + SEARCH + "space.boosting.l2 = { low = 0.0, high = 9.0, log = true }\n": "must be above 0 where log",
    TOP + ROWS + SEARCH + "space.boosting.l2 = { low = 3.0, high = 1.0 }\n": "high: must be above low",
    TOP + ROWS + SEARCH + "space.boosting.l2 = { low = 0.0, high = 1.0, step = 1 }\n": "step: there is no such key",
    TOP + ROWS + SEARCH + "space.boosting.l2 = { choices = [] }\n": "choices: a list of values",
    TOP + ROWS + SEARCH + "space.boosting.l2 = 3\n": r"l2: a table is expected",
}


@pytest.mark.usefixtures("unchecked_signatures")
@pytest.mark.parametrize("text", WRONG)
def test_what_is_wrong_is_named_with_its_file_and_key(tmp_path: Path, text: str):
    with pytest.raises(UsageError, match=WRONG[text]) as refused:
        recipe(tmp_path, text)
    assert str(refused.value).startswith(str(tmp_path / "r.toml"))
    assert "\n" not in str(refused.value)


def test_a_score_that_nobody_publishes_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delitem(__import__("wardround.methods.scores").methods.scores.SCORE_CODES, "los_icu")
    with pytest.raises(UsageError, match="tasks: no published score predicts los_icu"):
        recipe(tmp_path, 'data = "d"\ntasks = ["los_icu"]\n[[rows]]\nmethod = "score"\n')


def test_a_reference_predicts_every_task(tmp_path: Path):
    text = 'data = "d"\ntasks = ["mortality", "los"]\n[[rows]]\nmethod = "boosting"\ntasks = ["los"]\n'
    with pytest.raises(UsageError, match="against: 'boosting' does not predict mortality"):
        recipe(tmp_path, text + '[[rows]]\nmethod = "mlp"\n')


def test_the_defaults_are_searched_where_a_recipe_names_no_space(tmp_path: Path):
    found = recipe(tmp_path, TOP + ROWS + SEARCH + "space.mlp = { model.hidden = { choices = [8, 16] } }\n")
    assert found.search is not None
    assert found.search.spaces == {"boosting": SPACES["boosting"], "mlp": {"model.hidden": Choice((8, 16))}}


def test_methods_and_tasks_of_packages_are_compared_like_ours(tmp_path: Path):
    method, task = replace(METHODS["mlp"], name="theirs"), replace(TASKS["mortality"], name="their_death")
    text = 'data = "d"\ntasks = ["their_death"]\n[[rows]]\nmethod = "boosting"\n[[rows]]\nmethod = "theirs"\n'
    space = "space.theirs = { model.hidden = { choices = [8, 16] } }\n"
    with KNOWN_METHODS.lend(method), KNOWN_TASKS.lend(task):
        found = recipe(tmp_path, text + SEARCH + space)
        assert [row.method for row in found.rows] == ["boosting", "theirs"]
        assert found.search is not None
        assert found.search.objective == {"their_death": "auroc"}
        assert len(cells_of(found, Hashes("0" * 64))) == 2
    with pytest.raises(UsageError, match="there is no 'their_death'"):
        recipe(tmp_path, text)


def test_a_pretraining_is_no_row(tmp_path: Path):
    with pytest.raises(UsageError, match="there is no 'alignment'"):
        recipe(tmp_path, TOP + '[[rows]]\nmethod = "alignment"\n')
