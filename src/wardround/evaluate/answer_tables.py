"""The tables of an evaluation: predictions, beliefs, and what each stay has.

Predictions are in the columns of meds-evaluation where they exist. Of several answers a stay has a row a label, which
names it.
"""

import numpy as np
import polars as pl

from wardround.evaluate.answer import Answer
from wardround.evaluate.prediction_columns import PREDICTION_COLUMNS


def predictions_table(asked: Answer) -> pl.DataFrame:
    """`predictions.parquet`: a row a stay, or a row a stay and `label`, by stay.

    meds-evaluation reads `predicted_boolean_value` too: the probability is at or above the run's own threshold.
    """
    frame, binary = asked.cohort.frame, asked.task.kind == "binary"
    outcome, prediction = PREDICTION_COLUMNS[asked.task.kind]
    keys, threshold = frame.select("subject_id", "stay_id", "prediction_time"), asked.run.fitted.get("threshold")
    label, predicted = frame["label"].to_numpy(), asked.predictions.prediction
    if asked.task.labels:
        keys = _a_row_a_label(keys, asked.task.labels)
        label, predicted = label.reshape(-1), predicted.reshape(-1)
        threshold = np.tile(np.asarray(threshold, np.float64), frame.height)
    known = pl.Series(label, dtype=pl.Float64).fill_nan(None)
    columns = {outcome: known.cast(pl.Boolean) if binary else known, prediction: pl.Series(predicted, dtype=pl.Float64)}
    if binary:
        columns["predicted_boolean_value"] = pl.Series(predicted >= threshold)
    return keys.with_columns(**columns)


def beliefs_table(asked: Answer) -> pl.DataFrame | None:
    """`beliefs.parquet`: the belief after every event up to the prediction time, of several answers a row each; None
    for methods without beliefs."""
    made = asked.predictions
    if len(made.belief) == 0:
        return None
    _, name = PREDICTION_COLUMNS[asked.task.kind]
    stay = pl.DataFrame({"stay_id": asked.cohort.frame["stay_id"].to_numpy()[made.belief_stay]})
    names = pl.Series(asked.modalities)
    events = stay.with_columns(
        event_index=pl.int_range(pl.len()).over("stay_id"),
        time_h=pl.Series(made.belief_minute / 60),
        modality=names.gather(pl.Series(made.belief_modality)),
    )
    if asked.task.labels:
        events = _a_row_a_label(events, asked.task.labels)
    return events.with_columns(pl.Series(name, made.belief.reshape(-1)).cast(pl.Float64))


def _a_row_a_label(table: pl.DataFrame, labels: tuple[str, ...]) -> pl.DataFrame:
    """Every row once for each label, in the order of the labels."""
    return table.with_columns(label=pl.lit(list(labels))).explode("label")


def tables_of(asked: Answer) -> dict[str, pl.DataFrame]:
    """Predictions, for a model what each stay has, and beliefs where there are any."""
    tables = {"predictions": predictions_table(asked)}
    if asked.modalities:
        names = [[asked.modalities[place] for place in np.flatnonzero(row)] for row in asked.observed]
        columns = {"stay_id": asked.cohort.frame["stay_id"], "modalities": names}
        schema = {"stay_id": pl.Int64, "modalities": pl.List(pl.String)}
        tables["observed"] = pl.DataFrame(columns, schema=schema)
    beliefs = beliefs_table(asked)
    return tables if beliefs is None else tables | {"beliefs": beliefs}
