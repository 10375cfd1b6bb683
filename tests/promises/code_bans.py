"""Which constructs can run code from a file, and where a source uses one."""

import ast
from collections.abc import Iterator

BANNED_MODULES = {
    "pickle", "_pickle", "cPickle", "cloudpickle", "dill", "joblib", "marshal", "shelve", "jsonpickle", "pickletools",
}  # fmt: skip
BANNED_CALLS = {
    "eval", "exec", "builtins.eval", "builtins.exec", "torch.load", "torch.save", "torch.hub.load", "torch.jit.load",
    "torch.package.PackageImporter", "yaml.load", "yaml.load_all", "yaml.full_load", "yaml.unsafe_load",
    "pandas.read_pickle", "__import__",
}  # fmt: skip


def banned_uses(source: str) -> list[str]:
    """Each banned construct in `source`, as `line: what`."""
    tree = ast.parse(source)
    aliases = _aliases(tree)
    return [f"{line}: {what}" for line, what in sorted(_uses(tree, aliases))]


def _aliases(tree: ast.AST) -> dict[str, str]:
    """What each imported name stands for: `np` -> `numpy`, `load` -> `torch.load`."""
    aliases: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for one in node.names:
                aliases[one.asname or one.name.split(".")[0]] = one.name if one.asname else one.name.split(".")[0]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for one in node.names:
                aliases[one.asname or one.name] = f"{node.module}.{one.name}"
    return aliases


def _uses(tree: ast.AST, aliases: dict[str, str]) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, one.name) for one in node.names if _is_banned_module(one.name))
        elif isinstance(node, ast.ImportFrom) and _is_banned_module(node.module or ""):
            yield node.lineno, node.module or ""
        elif isinstance(node, ast.Call):
            yield from _call(node, aliases)
        elif isinstance(node, ast.Name | ast.Attribute):
            name = _full_name(node, aliases)
            if name in BANNED_CALLS or _is_banned_module(name):
                yield node.lineno, name
        elif isinstance(node, ast.Constant) and node.value == "trust_remote_code":
            yield node.lineno, "trust_remote_code"


def _call(node: ast.Call, aliases: dict[str, str]) -> Iterator[tuple[int, str]]:
    name = _full_name(node.func, aliases)
    keywords = {one.arg: one.value for one in node.keywords}
    if "trust_remote_code" in keywords and not _is_false(keywords["trust_remote_code"]):
        yield node.lineno, "trust_remote_code"
    if "allow_pickle" in keywords and not _is_false(keywords["allow_pickle"]):
        yield node.lineno, f"{name}(allow_pickle)"
    if name == "numpy.load" and len(node.args) > 2:
        yield node.lineno, "numpy.load with a positional allow_pickle"


def _full_name(node: ast.expr, aliases: dict[str, str]) -> str:
    if isinstance(node, ast.Name):
        return aliases.get(node.id, node.id)
    if isinstance(node, ast.Attribute):
        return f"{_full_name(node.value, aliases)}.{node.attr}"
    return ""


def _is_banned_module(name: str) -> bool:
    return name.split(".")[0] in BANNED_MODULES or name in {"torch.package", "torch.hub"}


def _is_false(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is False
