"""What all verbs of the command line have: help with examples, `--quiet` and `--seed`; some of them `--set`."""

import argparse
from collections.abc import Callable
from typing import Any

from wardround.option_values import seed_number


def add_verb(
    into: Any,
    name: str,
    run: Callable[[Any], None],
    summary: str,
    *examples: str,
    seed: str = "taken for the sake of scripts; nothing is drawn at random here",
) -> argparse.ArgumentParser:
    """Add a verb with what every verb has.

    Args:
        into: the subparsers of the command line.
        name: of the verb; run: what it does with its options; summary, examples: for its help.
        seed: what `--seed` is of.

    Returns:
        Its parser, for further options.
    """
    epilog = "examples:\n" + "\n".join(f"  {example}" for example in examples)
    parser = into.add_parser(
        name, help=summary, description=summary, epilog=epilog, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.set_defaults(run=run)
    parser.add_argument("--quiet", action="store_true", help="no progress on stderr")
    parser.add_argument("--seed", type=seed_number, default=0, metavar="S", help=f"{seed} (default: 0)")
    return parser


def add_settings(verb: argparse.ArgumentParser) -> None:
    """Add `--set KEY=VALUE`."""
    verb.add_argument(
        "--set",
        action="append",
        default=[],
        dest="assignments",
        metavar="KEY=VALUE",
        help="change a setting; may be repeated (see: wardround list settings)",
    )
