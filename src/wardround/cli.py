"""The command line. Its verbs and their options: `cli_data_verbs.py`, `cli_run_verbs.py`; what a verb does: `verbs.py`.
Nothing heavy is imported before it."""

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from wardround import __version__, verbs
from wardround.cli_data_verbs import add_data_verbs
from wardround.cli_names import LISTS
from wardround.cli_run_verbs import add_run_verbs
from wardround.cli_verb import add_verb
from wardround.errors import WardroundError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a verb.

    Returns:
        0 done, 1 failed (one clear line on stderr), 2 the call is off.
    """
    parser = build_parser()
    options = parser.parse_args(arguments)
    try:
        options.run(options)
    except WardroundError as error:
        print(f"wardround {options.verb}: {error}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        return 0
    except KeyboardInterrupt:
        print(f"wardround {options.verb}: interrupted. The same command goes on from where it was.", file=sys.stderr)
        return 1
    return 0


def build_parser() -> argparse.ArgumentParser:
    """All verbs with their options and examples."""
    parser = argparse.ArgumentParser(
        prog="wardround",
        description="Clinical prediction from ICU stays with missing modalities. Every event updates a belief.",
        epilog="start with: wardround demo",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"wardround {__version__}")
    into = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for add in (add_data_verbs, add_run_verbs, _list):
        add(into)
    return parser


def _list(into: Any) -> None:
    verb = add_verb(
        into, "list", verbs.run_list, "what there is", "wardround list methods", "wardround list settings --json"
    )
    verb.add_argument("what", choices=LISTS)
    verb.add_argument("--json", action="store_true", help="print the rows as JSON")


if __name__ == "__main__":
    sys.exit(main())
