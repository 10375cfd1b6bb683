"""The names that the command line takes, written out: to know them from the registries would import all of them."""

DEMOS = ("eicu-demo", "mimic-iv-demo", "mimic-iii-demo", "challenge-2012")
SOURCES = ("eicu", "mimic4", "mimic3", "challenge2012", "meds")
ENGINES = ("local", "ray")
SYNTHETIC = ("eicu", "mimic4", "mimic3")
METHODS = ("mlp", "lstm", "trajectory", "grud", "boosting", "logistic", "score", "elapsed")
TASKS = (
    *("mortality", "mortality_icu", "mortality_30d", "los_remaining", "los", "los_icu", "phenotyping"),
    "next_visit_phenotyping",
)
CONCEPTS = (
    *("urine_output", "gcs", "vis", "ventilation", "sofa", "sapsii", "oasis", "apache", "lods"),
    *("kdigo", "suspicion_of_infection", "sepsis3", "charlson", "phenotypes", "cw24", "hourly17"),
)
LISTS = ("methods", "tasks", "sources", "encoders", "modalities", "concepts", "settings")
