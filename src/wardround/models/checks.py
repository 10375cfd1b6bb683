"""What every part refuses: a width that makes an empty layer, a chance that is none."""

from wardround.errors import UsageError


def check_widths(**widths: int) -> None:
    """Refuse a width below 1, by name: an empty layer would train without a complaint.

    Raises:
        UsageError: naming the width.
    """
    for name, width in widths.items():
        if width < 1:
            raise UsageError(f"{name} must be 1 or more, got {width}")


def check_probs(**probs: float) -> None:
    """Refuse a chance of dropping something outside [0, 1), by name.

    Raises:
        UsageError: naming the chance.
    """
    for name, prob in probs.items():
        if not 0 <= prob < 1:
            raise UsageError(f"{name} must be in [0, 1), got {prob}")
