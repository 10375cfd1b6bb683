"""As `plain_polars_mimic4.py`, in SQL by duckdb.

python benchmarks/plain_duckdb_mimic4.py {hourly,events} RAW TO.parquet
"""

import os
import sys
from pathlib import Path

import duckdb
from plain_polars_mimic4 import HOURLY


def main(what: str, raw: Path, to: Path) -> None:
    """Make one of the two and write it."""
    connection = duckdb.connect()
    connection.execute(f"SET threads = {os.environ.get('POLARS_MAX_THREADS', '2')}")
    connection.execute("SET preserve_insertion_order = false")
    for name in ("icustays", "chartevents", "labevents", "d_items", "d_labitems"):
        (path,) = raw.rglob(f"{name}.csv.gz")
        connection.execute(
            f"CREATE VIEW {name} AS SELECT * FROM read_csv('{path}', header = true, sample_size = 20000)"
        )
    if what == "hourly":
        connection.execute("CREATE TABLE names (itemid BIGINT, name VARCHAR)")
        connection.executemany("INSERT INTO names VALUES (?, ?)", list(HOURLY.items()))
    sql = _hourly() if what == "hourly" else _EVENTS
    connection.execute(f"COPY ({sql}) TO '{to}' (FORMAT parquet, COMPRESSION zstd)")


_LABS_IN_STAYS = """
    labevents rows ASOF JOIN (SELECT subject_id, stay_id, intime, outtime, intime - INTERVAL 24 HOUR AS opens
    FROM icustays) stays ON rows.subject_id = stays.subject_id AND rows.charttime >= stays.opens
"""

_EVENTS = f"""
    SELECT * FROM (
      SELECT subject_id, charttime AS time, 'CHART//' || label || '//' || coalesce(valueuom, '') AS code,
        valuenum::FLOAT AS numeric_value, CASE WHEN valuenum IS NULL THEN value END AS text_value, stay_id,
        storetime AS available_time
      FROM chartevents LEFT JOIN d_items USING (itemid)
      UNION ALL
      SELECT rows.subject_id, charttime, 'LAB//' || label || '//' || coalesce(valueuom, ''), valuenum::FLOAT,
        CASE WHEN valuenum IS NULL THEN value END, stay_id, storetime
      FROM {_LABS_IN_STAYS} LEFT JOIN d_labitems items ON rows.itemid = items.itemid
    ) ORDER BY subject_id, time, stay_id, code
"""


def _hourly() -> str:
    columns = ", ".join(
        f"arg_max(value, (charttime, value)) FILTER (name = '{name}') AS {name}"
        for name in sorted(set(HOURLY.values()))
    )
    return f"""
        WITH found AS (
          SELECT stay_id, charttime, intime, outtime, name,
            CASE WHEN itemid = 223761 THEN (valuenum - 32) / 1.8 ELSE valuenum END AS value
          FROM (
            SELECT c.stay_id, c.charttime, c.itemid, c.valuenum, s.intime, s.outtime
            FROM chartevents c JOIN icustays s USING (stay_id)
            UNION ALL
            SELECT stays.stay_id, rows.charttime, rows.itemid, rows.valuenum, stays.intime, stays.outtime
            FROM {_LABS_IN_STAYS}
          ) JOIN names USING (itemid) WHERE valuenum IS NOT NULL
        )
        SELECT stay_id, (epoch(charttime) - epoch(intime))::BIGINT // 3600 AS hour, {columns}
        FROM found WHERE charttime BETWEEN intime AND outtime GROUP BY ALL ORDER BY ALL
    """


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
