"""What goes out to other tools: a DATA folder as a plain MEDS data set."""

from wardround.export.meds import Exported, export_meds

__all__ = ["Exported", "export_meds"]
