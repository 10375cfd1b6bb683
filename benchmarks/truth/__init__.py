"""The study of known risks: how far each method stays below the best possible, and what alignment adds.

    plan       which cohorts and cells there are, in which order, and what they may cost
    held_out   the stays that all are judged on, and the best that anybody can say of them
    work       a cohort made, its methods trained and asked; a cell kept as a small file
    spread     intervals that know of other patients and of other trainings
    summary    the tables
    charts     the pictures
    page       the page

`../truth_study.py` is the command.
"""
