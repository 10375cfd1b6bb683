"""A package as pip installs it, made in a folder: a module, its metadata, its entry points."""

from pathlib import Path

import pytest


def install(
    patch: pytest.MonkeyPatch, folder: Path, package: str, module: str, code: str, *offers: str, version: str = "0.1.0"
) -> None:
    """Write a package and put it on the import path.

    Args:
        patch: takes it away again.
        folder: where to; one for each package.
        package, version: as pip calls them.
        module: its one module, holding `code`.
        offers: lines `group: name = module:THING`, the group without "wardround.".
    """
    folder.mkdir(parents=True)
    (folder / f"{module}.py").write_text(code)
    described = folder / f"{package.replace('-', '_')}-{version}.dist-info"
    described.mkdir()
    (described / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n")
    lines = [f"[wardround.{group}]\n{offer.strip()}\n" for group, _, offer in (o.partition(":") for o in offers)]
    (described / "entry_points.txt").write_text("\n".join(lines))
    patch.syspath_prepend(folder)
