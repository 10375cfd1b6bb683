"""A recipe from its TOML file, checked to the last key before any work.

    data = "data"                       a DATA folder; test_data = another one judges every row on all of its stays,
                                        and then all patients of data train or validate, unless [split] says otherwise
    tasks = ["mortality"]
    at_h = 24                           protocol = "causal" | "paper"
    against = "boosting"                the row that the others are paired with; default the first
    seeds = [0, 1]                      of weights and batches; draws = 1000 of the bootstrap

    [split]
    seeds = [0, 1]                      a split each
    folds = 5                           each split into so many; then every stay is tested once a split
    by, pretrain_on, strata             as on the command line; test = false is --no-test

    [encoders.aligned]                  a pretraining by a name of one's own; "none" is there without being named
    loss = "masked-global"
    set = { epochs = 40 }

    [[rows]]
    method = "mlp"
    encoders = ["none", "aligned"]      a row each
    set = { epochs = 20 }               name, seeds, tasks, tune = false

    [search]
    trials = 20                         for every method; trials_of.trajectory = 10 says otherwise for one
    minutes = 30                        of each search
    objective = { mortality = "auroc" } on the validation side
    space.boosting = { leaves = { low = 7, high = 63 } }

Folders are found from where the command is run, as on the command line.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, get_args, get_type_hints

from wardround.compare.measures import HEADLINE, OBJECTIVES
from wardround.compare.recipe import NO_ENCODERS, Encoders, Recipe, Row, Search, SearchSpace
from wardround.compare.row_settings import check_space, pretrain_settings, row_settings
from wardround.compare.spaces import SPACES, read_space
from wardround.compare.toml_table import NEEDED, TomlTable
from wardround.errors import UsageError
from wardround.methods.alignment import AlignmentSettings
from wardround.methods.registry import KNOWN_METHODS
from wardround.methods.scores import ROWS, check_score, score_settings
from wardround.metrics.bootstrap import DRAWS
from wardround.tasks.cohort import DEFAULT_H, Window
from wardround.tasks.splits import SplitPlan
from wardround.tasks.task import KNOWN_TASKS, find_task

PRETRAINING: Final = "alignment"
"""Has its name among the methods, but predicts nothing: it stands under [encoders]."""


def read_recipe(file: Path, seed: int = 0) -> Recipe:
    """Read and check a recipe.

    Args:
        file: TOML.
        seed: of the bootstrap and of the search.

    Raises:
        UsageError: naming the file and the key that is wrong, and what there is instead.
        StorageError: if the disk refuses.
    """
    top = TomlTable.read(file)
    tasks = _known(top, "tasks", KNOWN_TASKS.names())
    seeds = _seeds(top, "seeds", (0,))
    encoders = _encoders(top)
    rows = [row for table in top.tables("rows") for row in _rows(table, tasks, seeds, encoders)]
    test_data = _path(top.take("test_data", str, None))
    recipe = Recipe(
        data=Path(top.take("data", str)),
        test_data=test_data,
        tasks=tasks,
        window=_window(top),
        splits=_splits(top, test_data is not None),
        rows=tuple(rows),
        against=top.take("against", str, rows[0].name),
        search=_search(top, rows, tasks),
        draws=_count(top, "draws", DRAWS),
        seed=seed,
    )
    top.close()
    _check(top, recipe)
    return recipe


def _check(top: TomlTable, recipe: Recipe) -> None:
    """What concerns several keys."""
    names = [row.name for row in recipe.rows]
    for name in names:
        if names.count(name) > 1:
            raise top.refuse("rows", f"{names.count(name)} rows are called {name!r}: give them a name each.")
    if recipe.against not in names:
        raise top.refuse("against", f"no row {recipe.against!r}. There are: {', '.join(names)}.")
    for task in recipe.tasks:
        if recipe.against not in [row.name for row in recipe.rows_of(task)]:
            raise top.refuse(
                "against", f"{recipe.against!r} does not predict {task}: the others have nothing beside it."
            )
    if recipe.test_data is None and not all(split.test for split in recipe.splits):
        raise top.refuse("split.test", "false leaves nobody to judge the rows on: leave it out, or name test_data.")
    if recipe.test_data is not None and recipe.test_data == recipe.data:
        raise top.refuse("test_data", "is data itself: its patients were trained on. Leave it out.")


def _path(text: str | None) -> Path | None:
    return None if text is None else Path(text)


def _known(table: TomlTable, key: str, known: Any, default: Any = NEEDED) -> tuple[str, ...]:
    """Names, all of which there are."""
    names: tuple[str, ...] = table.take_list(key, str, default)
    for name in names:
        if name not in known:
            raise table.refuse(key, f"there is no {name!r}. There are: {', '.join(known)}.")
    return names


def _seeds(table: TomlTable, key: str, default: tuple[int, ...]) -> tuple[int, ...]:
    seeds: tuple[int, ...] = table.take_list(key, int, default)
    if min(seeds) < 0:
        raise table.refuse(key, "a seed is 0 or more.")
    return seeds


def _count(table: TomlTable, key: str, default: Any = NEEDED) -> Any:
    """A whole number of 1 or more."""
    count = table.take(key, int, default)
    if count is not None and count < 1:
        raise table.refuse(key, "must be 1 or more.")
    return count


def _window(top: TomlTable) -> Window:
    protocol = top.take("protocol", str, "causal")
    at_h = top.take("at_h", float, DEFAULT_H if protocol == "causal" else None)
    try:
        return Window(protocol, at_h)
    except UsageError as error:
        raise top.refuse("protocol, at_h", str(error)) from None


def _splits(top: TomlTable, elsewhere: bool) -> tuple[SplitPlan, ...]:
    """The splits; where another cohort judges, nobody of this one tests unless somebody is asked for."""
    table = _empty_or(top, "split")
    seeds, folds = _seeds(table, "seeds", (0,)), _count(table, "folds", None)
    chosen = {key: table.take(key, str, getattr(SplitPlan(), key)) for key in ("by", "pretrain_on", "strata")}
    told = table.take("test", bool, None)
    table.close()
    places = [None] if folds is None else [(fold, folds) for fold in range(1, folds + 1)]
    try:
        plans = tuple(SplitPlan(seed, fold, **chosen) for seed in seeds for fold in places)
        test = (not elsewhere or plans[0].names_testers) if told is None else told
        return tuple(replace(plan, test=test) for plan in plans)
    except UsageError as error:
        raise table.refuse("", str(error)) from None


def _encoders(top: TomlTable) -> dict[str, Encoders | None]:
    """Name -> pretraining; `none` is None."""
    losses = get_args(get_type_hints(AlignmentSettings)["loss"])
    found: dict[str, Encoders | None] = {NO_ENCODERS: None}
    outer = top.table("encoders")
    for name, table in ({} if outer is None else outer.named_tables()).items():
        loss = table.take("loss", str)
        if name == NO_ENCODERS:
            raise table.refuse("", f"{NO_ENCODERS!r} stands for no pretraining: give it another name.")
        if loss not in losses:
            raise table.refuse("loss", f"there is no {loss!r}. There are: {', '.join(losses)}.")
        encoders = Encoders(name, (f"alignment.loss={loss}", *table.assignments()))
        table.close()
        found[name] = encoders
        try:
            pretrain_settings(encoders)
        except UsageError as error:
            raise table.refuse("set", str(error)) from None
    return found


def _rows(
    table: TomlTable, tasks: tuple[str, ...], seeds: tuple[int, ...], encoders: Mapping[str, Encoders | None]
) -> Iterator[Row]:
    """A row for each of the encoders of one entry."""
    method = table.take("method", str)
    known = [name for name in KNOWN_METHODS.names() if name != PRETRAINING]
    if method not in known:
        raise table.refuse("method", f"there is no {method!r}. There are: {', '.join(known)}.")
    chosen = _known(table, "encoders", encoders, (NO_ENCODERS,))
    given = table.take("name", str, None)
    own_seeds = (0,) if method in ROWS else _seeds(table, "seeds", seeds)
    own_tasks = _known(table, "tasks", tasks, tasks)
    assignments, tuned = table.assignments(), table.take("tune", bool, True)
    table.close()
    for task in own_tasks:
        if method == "score":
            _check_score(table, assignments, task)
    if given is not None and len(chosen) > 1:
        raise table.refuse("name", f"{len(chosen)} rows would have it, one for each of the encoders: leave it out.")
    for one in chosen:
        name = given or (method if one == NO_ENCODERS else f"{method}, {one}")
        row = Row(name, method, encoders[one], assignments, own_seeds, own_tasks, tuned)
        try:
            row_settings(row)
        except UsageError as error:
            raise table.refuse("set" if assignments else "encoders", str(error)) from None
        yield row


def _check_score(table: TomlTable, assignments: tuple[str, ...], task: str) -> None:
    try:
        settings = score_settings(assignments)
    except UsageError as error:
        raise table.refuse("set", str(error)) from None
    try:
        check_score(settings, task, find_task(task).kind == "binary")
    except UsageError as error:
        raise table.refuse("tasks", f"{str(error).rstrip('.')}: leave it out of this row's tasks.") from None


def _search(top: TomlTable, rows: list[Row], tasks: tuple[str, ...]) -> Search | None:
    table = top.table("search")
    if table is None:
        return None
    tuned = [row for row in rows if row.tuned and row.method not in ROWS]
    methods = list(dict.fromkeys(row.method for row in tuned))
    search = Search(
        trials=_count(table, "trials"),
        trials_of=_trials_of(table, methods),
        minutes=table.take("minutes", float, None),
        objective=_objective(table, tasks),
        spaces=_spaces(table, tuned, methods),
    )
    table.close()
    if search.minutes is not None and search.minutes <= 0:
        raise table.refuse("minutes", "must be above 0.")
    return search


def _trials_of(table: TomlTable, methods: list[str]) -> dict[str, int]:
    inner = _empty_or(table, "trials_of")
    _check_methods(inner, methods)
    return {method: _count(inner, method) for method in inner.values}


def _spaces(table: TomlTable, tuned: list[Row], methods: list[str]) -> dict[str, SearchSpace]:
    """The space of every method that is searched: its own, or that of the recipe."""
    inner = _empty_or(table, "space")
    _check_methods(inner, methods)
    own = {method: read_space(of) for method, of in inner.named_tables().items()}
    spaces = {method: own.get(method, SPACES.get(method, {})) for method in methods}
    for row in tuned:
        try:
            check_space(row, spaces[row.method])
        except UsageError as error:
            raise inner.refuse(row.method, str(error)) from None
    return spaces


def _empty_or(table: TomlTable, key: str) -> TomlTable:
    """A table in this one, an empty one where there is none."""
    return table.table(key) or TomlTable(table.file, f"[{table.where.strip('[]')}.{key}]".replace("[.", "["), {})


def _check_methods(table: TomlTable, methods: list[str]) -> None:
    for method in table.values:
        if method not in methods:
            raise table.refuse(method, f"no row of that method is searched. There are: {', '.join(methods) or 'none'}.")


def _objective(table: TomlTable, tasks: tuple[str, ...]) -> dict[str, str]:
    """Task -> metric of the validation side."""
    inner = _empty_or(table, "objective")
    chosen = {task: HEADLINE[find_task(task).kind] for task in tasks}
    for task in inner.values:
        if task not in tasks:
            raise inner.refuse(task, f"no such task is compared. There are: {', '.join(tasks)}.")
        known, metric = OBJECTIVES[find_task(task).kind], inner.take(task, str)
        if metric not in known:
            raise inner.refuse(task, f"there is no {metric!r}. There are: {', '.join(known)}.")
        chosen[task] = metric
    return chosen
