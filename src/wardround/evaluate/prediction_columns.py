"""What the columns of `predictions.parquet` are called, by kind of task: the names of meds-evaluation where it has
any."""

from typing import Final

PREDICTION_COLUMNS: Final = {
    "binary": ("boolean_value", "predicted_boolean_probability"),
    "hours": ("float_value", "predicted_float_value"),
}
"""Kind of task -> outcome, prediction."""
