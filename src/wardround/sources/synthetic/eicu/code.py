"""A code of a raw table, and when it is charted."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Code:
    """A code and when it is charted: P = sigmoid(log_odds + by_severity seen + sum of `more` over the stay's traits).

    Attributes:
        text: the code as it stands in the table.
        log_odds: at severity 0; infinite for what every stay has.
        by_severity: change per unit of severity.
        more: added log odds by cause of admission or comorbidity.
        detail: the other columns that belong to the code.
    """

    text: str
    log_odds: float
    by_severity: float = 0.0
    more: dict[str, float] = field(default_factory=dict[str, float])
    detail: tuple[str | None, ...] = ()


def traits(more: dict[str, float]) -> dict[str, float]:
    """Names of causes and comorbidities as keyword arguments spell them, back in their own spelling."""
    return {name.replace("_", " "): value for name, value in more.items()}
