"""Installed packages behind a run: whose method, task and encoder it uses, as `settings.json` says it.

    "packages": [{"group": "methods", "name": "mean_risk", "package": "wardround-mean-risk", "version": "0.1.0"}]

A run of built-in parts has no such entry. Another version of a package is another run: the same call into the same
folder is refused, as with other settings.
"""

from pathlib import Path
from typing import Any, Final

from wardround.errors import RunError
from wardround.extensions import Registry
from wardround.json_kinds import is_list, is_object
from wardround.methods.registry import KNOWN_METHODS
from wardround.models.modality_encoder import KNOWN_ENCODERS
from wardround.tasks.task import KNOWN_TASKS

REGISTRIES: Final[dict[str, Registry[Any]]] = {
    registry.group: registry for registry in (KNOWN_METHODS, KNOWN_TASKS, KNOWN_ENCODERS)
}


def packages_behind(method: str, task: str | None, settings: Any) -> tuple[dict[str, str], ...]:
    """The packages of a run.

    Args:
        method, task: their names.
        settings: of the run; its encoder, or that of its model, names a kind.
    """
    encoder = getattr(settings, "encoder", None) or getattr(getattr(settings, "model", None), "encoder", None)
    used = {"methods": method, "tasks": task, "encoders": getattr(encoder, "kind", None)}
    origins = [REGISTRIES[group].origin(name) for group, name in used.items() if name is not None]
    return tuple(origin.as_json() for origin in origins if origin is not None)


def check_packages(values: Any, folder: Path) -> None:
    """Refuse a run that uses what is not installed here.

    Args:
        values: its `settings.json`.
        folder: where it lies.

    Raises:
        RunError: naming the package, and what the run uses of it.
    """
    stamps = values.get("packages") if is_object(values) else None
    for stamp in stamps if is_list(stamps) else ():
        if not is_object(stamp) or stamp.get("group") not in REGISTRIES:
            raise RunError(f"{folder / 'settings.json'} names a package that this version cannot read. Train again.")
        group, name, package = (str(stamp.get(part)) for part in ("group", "name", "package"))
        origin = REGISTRIES[group].origin(name)
        if origin is None or origin.package != package:
            of = f"{package} {stamp.get('version')}"
            instead = "" if origin is None else f" (here {name} is of {origin.label})"
            raise RunError(
                f"{folder} was made with {name} of wardround.{group} in package {of}, which is not installed{instead}. "
                f"Install it: pip install {package}."
            )
