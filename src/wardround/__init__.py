"""wardround: clinical prediction from multimodal ICU stays with missing modalities. Every event updates a belief, and
shows why."""

__version__ = "0.1.0"
