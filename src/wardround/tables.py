"""Tables as text, for the terminal."""

from collections.abc import Mapping
from typing import Any, Final

from wardround.json_kinds import JsonObject, is_list, is_object


def aligned(rows: list[list[str]], left: int = 1) -> list[str]:
    """Rows as lines with columns of one width; the first `left` columns to the left, the others to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(
            cell.ljust(width) if place < left else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def ledger_lines(ledger: JsonObject) -> list[str]:
    """The account of every raw table: rows in, rows out, rows set aside by reason."""
    rows = [["table", "rows in", "rows out", "set aside"]]
    for name, account in ledger["tables"].items():
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in account["set_aside"].items()) or "0"
        values = ", ".join(f"{count:,} {reason}" for reason, count in account.get("values_set_aside", {}).items())
        rows.append(
            [
                name,
                f"{account['rows_in']:,}",
                f"{account['rows_out']:,}",
                reasons + (f" (single values: {values})" if values else ""),
            ]
        )
    lines = aligned([row[:3] for row in rows])
    lines = [f"{line}  {row[3]}" for line, row in zip(lines, rows, strict=True)]
    lines += [f"absent: {', '.join(ledger['absent'])}"] if ledger.get("absent") else []
    return [*lines, *(f"note: {note}" for note in ledger.get("notes", []))]


def concept_lines(ledger: JsonObject) -> list[str]:
    """How many rows and stays each concept has, and what it would have read that the data does not hold."""
    rows = [["concept", "rows", "stays"]]
    rows += [[name, f"{each['rows']:,}", f"{each['stays']:,}"] for name, each in ledger["concepts"].items()]
    lines = aligned(rows)
    for name, each in ledger["concepts"].items():
        if each["codes_absent"]:
            lines.append(
                f"note: of the codes that {name} reads {len(each['codes_absent'])} are not in the data: --json"
            )
    n_endless = ledger["stays_without_end"]
    return [*lines, f"note: {n_endless:,} stays without a known end have no hours"] if n_endless else lines


def number(value: float | None) -> str:
    """A metric for a reader: three decimals below ten, one above, a dash where undefined."""
    return "-" if value is None else f"{value:.3f}" if abs(value) < 10 else f"{value:,.1f}"


def interval(entry: Mapping[str, Any]) -> str:
    """`0.812 [0.790, 0.834]`."""
    return f"{number(entry['value'])} [{number(entry['low'])}, {number(entry['high'])}]"


def metrics_lines(metrics: JsonObject) -> list[str]:
    """What an evaluation found, protocol and cohort first."""
    whole = "at discharge" if metrics.get("asked_at") == "discharge" else "whole stay"
    hour = whole if metrics["at_h"] is None else f"hour {metrics['at_h']:g}"
    name = " ".join(filter(None, (metrics["method"], metrics["task"])))
    head = f"{name}: {metrics['protocol']} protocol, {hour}, {metrics['split']}: "
    head += f"{metrics['n_stays']:,} stays of {metrics['n_subjects']:,} patients"
    lines = [head if metrics["prevalence"] is None else f"{head}, prevalence {metrics['prevalence']:.3f}"]
    if metrics.get("sees_past_prediction"):
        lines.append(f"SEES PAST THE PREDICTION TIME: {', '.join(metrics['sees_past_prediction'])}")
    if metrics.get("patients"):
        lines.append(metrics["patients"])
    if metrics.get("n_seen_in_training"):
        lines.append(f"TOO GOOD: {metrics['n_seen_in_training']:,} stays are of patients whom the model was trained on")
    if "metrics" in metrics:
        lines += aligned(
            [["", "value [95 % interval]"], *[[name, interval(entry)] for name, entry in metrics["metrics"].items()]],
            left=2,
        )
    if "retrieval" in metrics:
        found = metrics["retrieval"].get("intervals", {})
        lines += aligned(
            [["", "value [95 % interval]"], *[[name, interval(entry)] for name, entry in found.items()]], 2
        )
        lines.append("random baseline: " + ", ".join(_baselines(metrics["retrieval"]["mean"])))
        if "interval" in metrics["silhouette"]:
            lines.append(f"silhouette by modality (0: well mixed): {interval(metrics['silhouette']['interval'])}")
    if metrics.get("note"):
        lines.append(metrics["note"])
    return lines


def _baselines(mean: dict[str, float | None]) -> list[str]:
    return [f"{name.removeprefix('baseline')} {number(value)}" for name, value in mean.items() if "baseline" in name]


def comparison_lines(found: JsonObject) -> list[str]:
    """What a comparison found: of each task the measure that is tested, and the difference to one row."""
    past = [row["facts"].get("sees_past_prediction", []) for table in found["tables"] for row in table["rows"]]
    late = dict.fromkeys(name for names in past for name in names)
    lines: list[str] = [f"SEES PAST THE PREDICTION TIME: {', '.join(late)}"] if late else []
    lines += found["notes"]
    for table in found["tables"]:
        task, against = table["task"], table["against"]
        measure = found["multiple_comparisons"]["measures"][task]
        rows = [[task, f"{measure} [95 % interval]", f"less {against}", "p", "p, Holm"]]
        for row in table["rows"]:
            name = row["row"]
            if "metrics" not in row:
                rows.append([name, "failed", "-", "-", "-"])
                continue
            less = row["differences"].get(measure)
            beside = ["-", "-", "-"] if less is None else [interval(less), number(less["p"]), number(less["p_holm"])]
            rows.append([name, interval(row["metrics"][measure]), *beside])
        lines += [*aligned(rows), ""]
    tested = found["multiple_comparisons"]["tested"]
    lines.append(f"Differences tested: {tested}; p is adjusted for all of them (Holm), intervals are not.")
    for table in found["tables"]:
        for row in table["rows"]:
            lines += [f"FAILED {cell}: {why}" for cell, why in row["failed"].items()]
    return lines


HIDDEN: Final = "<11, – and -: of 1 to 10 people, or what would tell of them; - is also where there is nothing to tell"


def description_lines(described: JsonObject) -> list[str]:
    """Every table of `describe`: a list of rows under its name; last what stands for what is not told."""
    lines: list[str] = []
    for name, table in described.items():
        if is_list(table) and table and is_object(table[0]):
            header = list(table[0])
            lines += ["", name.replace("_", " ")]
            columns = [_column([row.get(column) for row in table]) for column in header]
            lines += aligned([header, *map(list, zip(*columns, strict=True))])
        elif name == "ledger" and is_object(table):
            lines += ["", "ledger", *ledger_lines(table)]
        elif not isinstance(table, (dict, list)):
            lines.append(f"{name.replace('_', ' ')}: {_cell(table)}")
    return [*lines, "", HIDDEN]


def _column(values: list[Any]) -> list[str]:
    """Numbers with as many decimals as the finest of them was rounded to."""
    decimals = max((len(str(value).partition(".")[2]) for value in values if isinstance(value, float)), default=0)
    return [f"{value:,.{min(decimals, 3)}f}" if isinstance(value, float) else _cell(value) for value in values]


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return number(value)
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
