"""Episodes of breathing support by SQL over MIMIC-IV's raw chartings, for `concepts_sql.py`, whose gases need them.

Written for this from the definition of the MIMIC Code Repository (mimic-iv/concepts/treatment/ventilation), on its item
numbers. Hours between two chartings are those that passed, as its PostgreSQL has it; its BigQuery counts how often the
clock strikes between them (`CLOCK`).
"""

import duckdb
import polars as pl

SETTINGS = """
create or replace table settings as
with modes as (
    select stay_id, charttime, max(value) filter (itemid = 223849) as mode,
        max(value) filter (itemid = 229314) as hamilton from chartevents
    where itemid in (223849, 229314) and value is not null group by 1, 2
), devices as (
    select stay_id, charttime, {device} as device from chartevents c
    where itemid = 226732 and value is not null and {counts} group by 1, 2
)
select stay_id, charttime, mode, hamilton, trim(device) as device
from modes full join devices using (stay_id, charttime)
"""

STATUSES = """
create or replace table statuses as
select * from (
    select stay_id, charttime, case
        when device in ('Tracheostomy tube', 'Trach mask') then 'tracheostomy'
        when device = 'Endotracheal tube' or mode in ('(S) CMV', 'APRV', 'APRV/Biphasic+ApnPress',
            'APRV/Biphasic+ApnVol', 'APV (cmv)', 'Ambient', 'Apnea Ventilation', 'CMV', 'CMV/ASSIST',
            'CMV/ASSIST/AutoFlow', 'CMV/AutoFlow', 'CPAP/PPS', 'CPAP/PSV', 'CPAP/PSV+Apn TCPL', 'CPAP/PSV+ApnPres',
            'CPAP/PSV+ApnVol', 'MMV', 'MMV/AutoFlow', 'MMV/PSV', 'MMV/PSV/AutoFlow', 'P-CMV', 'PCV+', 'PCV+/PSV',
            'PCV+Assist', 'PRES/AC', 'PRVC/AC', 'PRVC/SIMV', 'PSV/SBT', 'SIMV', 'SIMV/AutoFlow', 'SIMV/PRES',
            'SIMV/PSV', 'SIMV/PSV/AutoFlow', 'SIMV/VOL', 'SYNCHRON MASTER', 'SYNCHRON SLAVE', 'VOL/AC')
            or hamilton in ('APRV', 'APV (cmv)', 'Ambient', '(S) CMV', 'P-CMV', 'SIMV', 'APV (simv)', 'P-SIMV', 'VS',
            'ASV') then 'invasive'
        when device in ('Bipap mask', 'CPAP mask') or hamilton in ('DuoPaP', 'NIV', 'NIV-ST') then 'non_invasive'
        when device = 'High flow nasal cannula' then 'high_flow'
        when device in ('Non-rebreather', 'Face tent', 'Aerosol-cool', 'Venti mask', 'Medium conc mask',
            'Ultrasonic neb', 'Vapomist', 'Oxymizer', 'High flow neb', 'Nasal cannula') then 'supplemental_oxygen'
        when device = 'None' then 'none' end as status
    from settings
) where status is not null
"""

EPISODES = """
create or replace table episodes as
with ordered as (
    select *, lead(charttime) over stay as next_time, lag(status) over stay as status_before,
        lag(charttime) over (partition by stay_id, status order by charttime) as same_before
    from statuses window stay as (partition by stay_id order by charttime)
), numbered as (
    select *, sum(case when status_before is null or {since_before} >= 14 or status_before <> status then 1 else 0 end)
        over (partition by stay_id order by charttime) as episode
    from ordered
)
select stay_id, min(charttime) as since, max(case when next_time is null or {until_next} >= 14 then charttime
    else next_time end) as until, max(status) as status
from numbered group by stay_id, episode
having min(charttime) <> max(charttime)
"""

ROWS = """
with edges as (
    select stay_id, status, since as edge, 1 as value from episodes
    union all
    select stay_id, status, until, 0 from episodes
    union all
    select stay_id, 'status', charttime, list_position(['none', 'supplemental_oxygen', 'high_flow', 'non_invasive',
        'invasive', 'tracheostomy'], status) - 1 from statuses
)
select stay_id, 'ventilation_' || status as name, epoch(edge - intime) / 3600 as time_h, value
from edges join icustays using (stay_id)
"""

MOST = (
    "arg_max(value, coalesce(list_position(['None', 'Nasal cannula', 'Oxymizer', 'High flow neb', 'Vapomist', "
    "'Ultrasonic neb', 'Medium conc mask', 'Venti mask', 'Aerosol-cool', 'Face tent', 'Non-rebreather', "
    "'High flow nasal cannula', 'CPAP mask', 'Bipap mask', 'Endotracheal tube', 'Trach mask', 'Tracheostomy tube'], "
    "trim(value)), 0))"
)
LAST_OF_THE_ALPHABET = "max(value)"
WITH_FLOW = (
    "exists(select 1 from chartevents f where f.stay_id = c.stay_id and f.charttime = c.charttime "
    "and f.itemid in (223834, 227582, 227287) and f.value is not null)"
)
TIME = {"since_before": "epoch(charttime - same_before) / 3600", "until_next": "epoch(next_time - charttime) / 3600"}
CLOCK = {
    "since_before": "date_diff('hour', same_before, charttime)",
    "until_next": "date_diff('hour', charttime, next_time)",
}


def ventilation(base: duckdb.DuckDBPyConnection) -> dict[str, pl.DataFrame]:
    """Title -> `stay_id, name, time_h, value`; leaves a table `ventilated` of the episodes through a tube."""
    found: dict[str, pl.DataFrame] = {}
    for title, device, counts, gaps in (
        ("ventilation", MOST, "true", TIME),
        ("ventilation, a device alone with a flow", MOST, WITH_FLOW, TIME),
        ("ventilation, the clock's hours", MOST, "true", CLOCK),
        ("ventilation, the last device of the alphabet", LAST_OF_THE_ALPHABET, "true", TIME),
    ):
        _episodes(base, device, counts, gaps)
        found[title] = base.sql(ROWS).pl()
    _ventilated(base, LAST_OF_THE_ALPHABET, "true", CLOCK)
    return found


def ventilated_as_repository(base: duckdb.DuckDBPyConnection) -> None:
    """Makes the table `ventilated` anew as the repository has it, with a device only at the minute of a flow."""
    _ventilated(base, LAST_OF_THE_ALPHABET, WITH_FLOW, CLOCK)


def _ventilated(base: duckdb.DuckDBPyConnection, device: str, counts: str, gaps: dict[str, str]) -> None:
    _episodes(base, device, counts, gaps)
    base.execute("create or replace table ventilated as select * from episodes where status = 'invasive'")


def _episodes(base: duckdb.DuckDBPyConnection, device: str, counts: str, gaps: dict[str, str]) -> None:
    base.execute(SETTINGS.format(device=device, counts=counts))
    base.execute(STATUSES)
    base.execute(EPISODES.format(**gaps))
