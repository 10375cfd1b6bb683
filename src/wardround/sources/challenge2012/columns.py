"""PhysioNet/CinC Challenge 2012: every column of its files, and when it is known (`AVAILABILITY.md`, "Challenge 2012").

A record is a file of lines `Time,Parameter,Value`. The lines are one table; what they say of the record itself, its id,
age and sex, is gathered into a row of another. Outcomes lie in files of their own.
"""

from typing import Final

from wardround.sources.raw_table import ADMIT, ID, INTEGER, NEVER, NUMBER, TEXT, UNREAD, RawTable, at

RECORD: Final = "RecordID"

RECORDS: Final = RawTable(
    "records",
    {
        RECORD: (INTEGER, ID),
        "StatedID": (INTEGER, ID),
        "Age": (NUMBER, ADMIT),
        "Gender": (NUMBER, ADMIT),
    },
    optional=False,
)
"""A row a record file: the id in its name, and what its lines state."""

OBSERVATIONS: Final = RawTable(
    "observations",
    {
        RECORD: (INTEGER, ID),
        "Time": (TEXT, at("Time")),
        "Parameter": (TEXT, at("Time")),
        "Value": (NUMBER, at("Time")),
    },
    optional=False,
    offset="Time",
)
"""A row a line. A value is known at its time: the Challenge says that a time stamp is when an observation was made,
and publishes no time at which it was stored. A laboratory may have told it later; nothing says by how much."""

OUTCOMES: Final = RawTable(
    "outcomes",
    {
        RECORD: (INTEGER, ID),
        "SAPS-I": (INTEGER, UNREAD),
        "SOFA": (INTEGER, UNREAD),
        "Length_of_stay": (INTEGER, NEVER),
        "Survival": (INTEGER, UNREAD),
        "In-hospital_death": (INTEGER, NEVER),
    },
)
"""SAPS-I and SOFA are published without the hour at which they could be known, so they are not even comparators."""
