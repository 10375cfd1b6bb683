"""What each verb does: options to one call of the library, and its result to the terminal. No logic of its own.

Imports stand inside the functions, so that `wardround --help` answers at once.
"""

import json
import sys
from typing import Any

import wardround


def _chosen_window(options: Any, inherited: Any = None) -> Any:
    """The window of the call, else that of the run that is taken up, else causal at 24 h (paper: the whole stay)."""
    from wardround.tasks.cohort import DEFAULT_H, Window

    if options.protocol is None and options.at_h is None and inherited is not None:
        return inherited
    protocol = options.protocol or (inherited.protocol if inherited is not None else "causal")
    default_h = DEFAULT_H if protocol == "causal" else None
    if options.at_h is None and inherited is not None and inherited.protocol == protocol:
        default_h = inherited.at_h
    return Window(protocol, options.at_h if options.at_h is not None else default_h)


def chosen_split(options: Any, inherited: Any = None) -> Any:
    """The split of the call; what is not said comes from the run that is taken up."""
    from dataclasses import replace

    from wardround.tasks.splits import SplitPlan

    base = inherited or SplitPlan()
    if options.test is False:  # whom the other run tested is asked for no more
        base = replace(base, fold=None, by="patient", test=False)
    elif options.test or options.fold is not None or options.split_by is not None:
        base = replace(base, test=True)
    return SplitPlan(
        seed=base.seed if options.split_seed is None else options.split_seed,
        fold=base.fold if options.fold is None else options.fold,
        by=base.by if options.split_by is None else options.split_by,
        pretrain_on=base.pretrain_on if options.pretrain_on is None else options.pretrain_on,
        strata=base.strata if options.strata is None else options.strata,
        test=base.test,
    )


def run_demo(options: Any) -> None:
    """wardround demo."""
    from wardround.demo import demo

    report = demo(options.to, options.data, options.stays, options.seed, options.quiet)
    print(f"\nOpen the report: {report}")


def run_fetch(options: Any) -> None:
    """wardround fetch."""
    from wardround.sources.fetch import RULE, fetch
    from wardround.sources.fetch_progress import DownloadBar

    print(RULE, file=sys.stderr)
    bar = DownloadBar(options.quiet)
    try:
        done = fetch(options.name, options.to, options.url, progress=bar)
    finally:
        bar.close()
    print(f"{options.name} is in {done.folder}: {done.n_files} files, {done.n_kept} of them already there")


def run_synth(options: Any) -> None:
    """wardround synth."""
    from wardround.settings import override
    from wardround.sources.synthetic import LAYOUTS, synthesise

    settings, layout = LAYOUTS[options.source]
    asked = layout(override(settings(), options.assignments), options.seed)
    already = synthesise(asked, options.to, options.stays, options.quiet)
    print(f"{options.stays} synthetic stays are in {options.to}, their truth in {options.to / 'truth'}")
    print(f"{options.to} {'was already complete' if already else 'is complete'}")


def run_prepare(options: Any) -> None:
    """wardround prepare."""
    from wardround.sources.beside import strangers_warning, with_folders
    from wardround.sources.pipeline import prepare
    from wardround.sources.registry import find_source
    from wardround.tables import ledger_lines

    if options.dry_run:
        _dry_run(options)
        return
    source = find_source(options.source, options.raw, options.mapping)
    source = with_folders(source, {"cxr": options.cxr, "notes": options.notes})
    means = (options.workers, options.quiet, options.memory_gib, options.engine)
    done = prepare(source, options.raw, options.to, options.modalities, *means)
    if (warning := strangers_warning(source, done.ledger)) is not None:
        print(warning, file=sys.stderr)
    if options.json:
        print(json.dumps(done.ledger, indent=1))
        return
    print("\n".join(ledger_lines(done.ledger)))
    print(f"{options.to} {'was already complete' if done.already else 'is complete'}")


def _dry_run(options: Any) -> None:
    """What a run of prepare would find, need and take; for MEDS, what its codes would become as well."""
    from wardround.engines.engine import refuse_unusable
    from wardround.engines.local import usual_workers
    from wardround.errors import SourceError, UsageError
    from wardround.sources.beside import with_folders
    from wardround.sources.forecast import forecast, forecast_lines
    from wardround.sources.meds import NAME
    from wardround.sources.recognise import hinted
    from wardround.sources.registry import KNOWN_SOURCES, find_source

    refuse_unusable(options.engine)
    with hinted(options.source, options.raw, KNOWN_SOURCES.usable):
        codes = _preview(options) if options.source == NAME else None
    workers, found = options.workers or usual_workers(), None
    try:
        source = find_source(options.source, options.raw, options.mapping)
        source = with_folders(source, {"cxr": options.cxr, "notes": options.notes})
        found = forecast(source, options.raw, options.to, options.modalities, workers, options.memory_gib)
    except (SourceError, UsageError) as error:
        if codes is None or (isinstance(error, UsageError) and options.mapping is not None):
            raise
        print(f"no forecast: {error}", file=sys.stderr)  # the mapping is still being written
    if options.json:
        told = {} if found is None else found.as_json()
        print(json.dumps(told if codes is None else {"codes": codes, **told}, indent=1))
    elif found is not None:
        print("\n".join(forecast_lines(found)))
    if found is not None and (warning := found.judge_disk()) is not None:
        print(warning, file=sys.stderr)


def _preview(options: Any) -> list[dict[str, int | str]]:
    """What the codes of a MEDS data set would become: shown, or given back for JSON."""
    from wardround.sources.meds.preview import preview, static_warning
    from wardround.tables import aligned

    rows = preview(options.raw, options.mapping)
    warning = static_warning(rows)
    if warning is not None:
        print(warning, file=sys.stderr)
    if not options.json:
        cells = [[str(row["codes"]), f"{row['rows']:,}", f"{row['different']:,}", str(row["becomes"])] for row in rows]
        head, *lines = aligned([["codes", "rows", "different"], *[each[:3] for each in cells]])
        print(
            "\n".join([f"{head}  become", *(f"{line}  {each[3]}" for line, each in zip(lines, cells, strict=True)), ""])
        )
    return rows


def run_describe(options: Any) -> None:
    """wardround describe."""
    from wardround.evaluate.describe import describe
    from wardround.tables import description_lines

    described = describe(options.data, options.to, options.quiet)
    print(json.dumps(described, indent=1) if options.json else "\n".join(description_lines(described)))
    if options.to is not None:
        print(f"description written to {options.to}", file=sys.stderr)


def run_concepts(options: Any) -> None:
    """wardround concepts."""
    from wardround.export import write_concepts
    from wardround.tables import concept_lines

    done = write_concepts(options.data, options.names, options.to, options.quiet, options.assignments)
    if options.json:
        print(json.dumps(done.ledger, indent=1))
        return
    print("\n".join(concept_lines(done.ledger)))
    print(f"{options.to} {'was already complete' if done.already else 'is complete'}")


def run_export(options: Any) -> None:
    """wardround export."""
    from wardround.export import export_meds

    done = export_meds(options.data, options.to, options.tasks, options.at_h, options.time, options.quiet)
    if options.json:
        print(json.dumps(done.rows, indent=1))
        return
    print("\n".join([*(f"{count:,} {name}" for name, count in done.rows.items()), *done.notes]))
    print(f"{options.to} {'was already complete' if done.already else 'is complete'}")


def run_pretrain(options: Any) -> None:
    """wardround pretrain."""
    from wardround.settings import override
    from wardround.train.plan import PretrainSettings
    from wardround.train.pretrain import pretrain

    chosen = [f"alignment.loss={options.loss}"] if options.loss else []
    settings = override(PretrainSettings(), [*chosen, *options.assignments])
    window, split = _chosen_window(options), chosen_split(options)
    done = pretrain(options.data, options.to, window, split, settings, options.seed, options.quiet)
    _say(done)


def run_train(options: Any) -> None:
    """wardround train."""
    from wardround.tasks.task import refuse_hour
    from wardround.train.run_folder import open_run
    from wardround.train.supervised import train

    refuse_hour(options.task, options.at_h is not None)
    before = options.encoders or options.init
    inherited = None if before is None else open_run(before).plan
    window = _chosen_window(options, inherited and inherited.window)
    split = chosen_split(options, inherited and inherited.split)
    done = train(
        options.method,
        options.data,
        options.task,
        options.to,
        window,
        split,
        options.encoders,
        options.assignments,
        options.seed,
        options.quiet,
        options.init,
    )
    _say(done)


def _say(done: Any) -> None:
    from wardround.launcher import is_first_process

    if not is_first_process():
        return
    for note in done.notes:
        print(note, file=sys.stderr)
    print(f"{done.folder} {'was already complete: nothing to do' if done.already else 'is complete'}")


def run_evaluate(options: Any) -> None:
    """wardround evaluate."""
    from wardround.evaluate.evaluation import evaluate
    from wardround.evaluate.question import Question
    from wardround.evaluate.wording import in_order
    from wardround.tables import metrics_lines

    hours: list[float] = options.at_h if len(options.at_h) > 1 else []
    question = Question(
        options.split, options.at_h[0] if len(options.at_h) == 1 else None, tuple(options.without), seed=options.seed
    )
    folder, already, metrics = evaluate(
        options.run_folder, options.data, options.to, question, hours, options.beside, options.quiet
    )
    if "metrics" in metrics:
        metrics = metrics | {"metrics": dict(in_order(metrics["metrics"]))}
    _say_other_hours(options.run_folder, options.at_h)
    if options.json:
        print(json.dumps(metrics, indent=1))
        return
    print("\n".join(metrics_lines(metrics)))
    print(f"{folder} {'was already complete' if already else 'is complete'}; open {folder / 'report.html'}")


def _say_other_hours(run_folder: Any, hours: list[float | None]) -> None:
    from wardround.evaluate.other_hour import hour_lines
    from wardround.train.run_folder import open_run

    for line in hour_lines(open_run(run_folder), hours):
        print(line, file=sys.stderr)


def run_predict(options: Any) -> None:
    """wardround predict."""
    from wardround.evaluate.evaluation import predict

    folder, already, stays = predict(options.run_folder, options.data, options.to, options.at_h, options.quiet)
    _say_other_hours(options.run_folder, [options.at_h])
    print(f"{stays} stays; {folder} {'was already complete' if already else 'is complete'}")


def run_compare(options: Any) -> None:
    """wardround compare."""
    from wardround.compare.compare import compare, plan_of
    from wardround.errors import RunError, UsageError
    from wardround.tables import comparison_lines

    if options.dry_run:
        print("\n".join(plan_of(options.sources, options.to, options.seed, options.quiet)))
        return
    if options.to is None:
        raise UsageError("--to DIR is missing: give a folder to write.")
    how = (options.data, options.against, options.seed, options.quiet, options.workers)
    done = compare(options.sources, options.to, *how)
    if options.json:
        print(json.dumps(done.found, indent=1))
    else:
        print("\n".join(comparison_lines(done.found)))
        state = "was already complete" if done.already else "is written" if done.n_failed else "is complete"
        print(f"{options.to} {state}; open {options.to / 'report.html'}")
    if done.n_failed:
        raise RunError(
            f"{done.n_failed} cells or rows failed: see {options.to / 'table.csv'}. The same command tries them again."
        )


def run_list(options: Any) -> None:
    """wardround list."""
    from wardround.catalogue import catalogue

    rows = catalogue(options.what)
    if options.json:
        print(json.dumps(rows, indent=1))
        return
    width = max(len(row["name"]) for row in rows)
    ours = f"wardround {wardround.__version__}"
    for row in rows:
        origin = "" if row["from"] == ours else f"  [{row['from']}]"
        print(f"{row['name']:{width}}  {row['summary']}{origin}")
