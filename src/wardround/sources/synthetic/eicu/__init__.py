"""Synthetic eICU-CRD 2.0: raw tables in the published layout."""

from wardround.sources.synthetic.eicu.write import synthesise_eicu

__all__ = ["synthesise_eicu"]
