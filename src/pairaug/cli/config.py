"""Settings from ``pairaug.toml``, or ``[tool.pairaug]`` in ``pyproject.toml``, of the current folder.

Keys are option names; at the top they hold for every command that has the option, in a table named after a command
for that command alone.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pairaug.errors import UsageError, did_you_mean


def default_map(folder: Path, options: Mapping[str, Mapping[str, bool]]) -> dict[str, dict[str, Any]]:
    """Defaults by command and parameter; ``options`` says which parameters each command has (True: takes a list).

    Raises UsageError for a file that is not TOML, and for keys that no command knows.
    """
    path, content = _read(folder)
    if not content:
        return {}
    tables = {key: value for key, value in content.items() if isinstance(value, dict)}
    common = {key: value for key, value in content.items() if not isinstance(value, dict)}
    every = sorted({name for names in options.values() for name in names})
    for key in common:
        if _parameter(key) not in every:
            raise UsageError(f"{path}: unknown key {key!r}; {did_you_mean(key, [n.replace('_', '-') for n in every])}")
    for command, table in tables.items():
        if command not in options:
            raise UsageError(f"{path}: unknown table [{command}]; {did_you_mean(command, list(options))}")
        for key in table:
            if _parameter(key) not in options[command]:
                known = [name.replace("_", "-") for name in options[command]]
                raise UsageError(f"{path}: unknown key {key!r} in [{command}]; {did_you_mean(key, known)}")
    return {
        command: {
            _parameter(key): _value(value, names[_parameter(key)])
            for key, value in {**common, **tables.get(command, {})}.items()
            if _parameter(key) in names
        }
        for command, names in options.items()
    }


def _parameter(key: str) -> str:
    name = key.replace("-", "_")
    return {"set": "settings", "list": "list_file", "json": "as_json"}.get(name, name)


def _value(value: Any, takes_list: bool) -> Any:
    if takes_list:
        return [str(entry) for entry in value] if isinstance(value, list) else [str(value)]
    return ",".join(str(entry) for entry in value) if isinstance(value, list) else value


def _read(folder: Path) -> tuple[Path, dict[str, Any]]:
    own, project = folder / "pairaug.toml", folder / "pyproject.toml"
    for path in (own, project):
        if path.is_file():
            try:
                content = tomllib.loads(path.read_text(encoding="utf-8"))
            except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
                if path == project:  # somebody else's file; they will hear of it elsewhere
                    continue
                raise UsageError(f"{path}: not TOML ({error})") from None
            if path == project:
                content = content.get("tool", {}).get("pairaug", {})
            if content:
                return path, content
    return own, {}
