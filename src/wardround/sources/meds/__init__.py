"""MEDS, the Medical Event Data Standard (versions 0.3 and 0.4): any hospital's data, with a mapping of its codes."""

from wardround.sources.meds.source import NAME, SUMMARY, meds_source

__all__ = ["NAME", "SUMMARY", "meds_source"]
