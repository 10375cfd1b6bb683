"""What goes out to other tools: a DATA folder as a plain MEDS data set, or as tables of clinical concepts."""

from wardround.export.concepts import Written, write_concepts
from wardround.export.meds import Exported, export_meds

__all__ = ["Exported", "Written", "export_meds", "write_concepts"]
