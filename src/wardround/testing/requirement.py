"""A requirement: what must hold of a method, source, task or encoder, how it is looked at, and how to mend it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

Trial = TypeVar("Trial")
Findings = list[str]


class CheckFailed(AssertionError):
    """A requirement does not hold.

    Attributes:
        requirement: its name.
    """

    def __init__(self, requirement: str, message: str) -> None:
        super().__init__(message)
        self.requirement = requirement


@dataclass(frozen=True)
class Requirement(Generic[Trial]):
    """One thing that must hold.

    Attributes:
        name: in one or two words.
        says: what is required, a clause.
        mend: what to do where it does not hold.
        findings: looks at a trial and says what it found, a line each.
    """

    name: str
    says: str
    mend: str
    findings: Callable[[Trial], Findings]

    def hold(self, subject: str, trial: Trial) -> None:
        """Whether it holds.

        Args:
            subject: who is looked at, for the message.
            trial: what is looked at.

        Raises:
            CheckFailed: naming the requirement, what was found and how to mend it; also where looking at it fails.
        """
        try:
            found = self.findings(trial)
        except Exception as error:
            raise CheckFailed(self.name, self._message(subject, f"{type(error).__name__}: {error}")) from error
        if found:
            raise CheckFailed(self.name, self._message(subject, "; ".join(found)))

    def _message(self, subject: str, found: str) -> str:
        return f"{subject} does not fulfil {self.name!r}: {self.says}. Found: {found}. To mend it: {self.mend}."


def hold_all(subject: str, requirements: Iterable[Requirement[Trial]], trial: Trial) -> None:
    """Look at one requirement after the other. Raises `CheckFailed` for the first that does not hold."""
    for requirement in requirements:
        requirement.hold(subject, trial)
