"""For packages that add to wardround: does what they add fit?

    check_method(METHOD)     a method: wardround.methods
    check_encoder(KIND)      an encoder kind: wardround.encoders
    check_task(TASK)         a task: wardround.tasks
    check_source(SOURCE, RAW_FOLDER)     a source: wardround.sources

Each looks at one requirement after the other (`REQUIREMENTS` of its module) and raises `CheckFailed`, an
`AssertionError`, for the first that does not hold. Nothing needs to be installed for it. Strategies for property tests
are in `wardround.testing.strategies`, which needs Hypothesis: pip install 'wardround[testing]'.
"""

from wardround.testing.encoder_check import check_encoder
from wardround.testing.method_check import check_method
from wardround.testing.requirement import CheckFailed, Requirement
from wardround.testing.source_check import check_source
from wardround.testing.task_check import check_task

__all__ = ["CheckFailed", "Requirement", "check_encoder", "check_method", "check_source", "check_task"]
