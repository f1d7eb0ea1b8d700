"""Overrides as a person types them, `key=value`, in the form that Hydra reads.

Hydra reads values by a grammar of numbers, booleans, lists and quotes, which turns the session 1.10
into 1.1. So a key that takes text, as its model says, is handed over in quotes, letter by letter;
what quotes cannot carry (Hydra and OmegaConf read `${`, `???` and backslashes in them, and no sign
in the name of a mapping's entry) travels as hexadecimal digits, and `decode` takes it out again.
"""

import re
from collections.abc import Collection, Sequence
from typing import Any

from pydantic import BaseModel

from emotion_hpo.config.texts import Form, TextKey, text_key
from emotion_hpo.errors import ConfigError

_MARK = "_text_"
_ASSIGNMENT = re.compile(r"(\+{0,2})([A-Za-z_][^=]*)=(.*)", re.DOTALL)
#: Items of `[a, b]` and entries of `{a: b}`: quotes around one are only needed for its commas.
_WORD = r"""\s*(?:'([^']*)'|"([^"]*)"|([^,]*?))\s*"""
_ITEM = re.compile(rf"{_WORD}(,|\Z)", re.DOTALL)
_ENTRY = re.compile(rf"{_WORD.replace(',', ',:')}:{_WORD}(,|\Z)", re.DOTALL)


def for_hydra(
    override: str, models: Sequence[type[BaseModel]], groups: Collection[str]
) -> list[str]:
    """Return an override, or one an entry of a mapping, that Hydra reads as it was meant.

    Values get `++` (set or add): an unknown key then is not Hydra's first and only error.

    Args:
        override: As typed.
        models: Of the command, the one that says most about its keys first.
        groups: Keys that choose a file.

    Raises:
        ConfigError: It has no key, or is no list or mapping where one is needed.
    """
    try:
        override.encode()
    except UnicodeEncodeError:
        raise ConfigError(f"cannot read the override {override!r}: it is not UTF-8") from None
    if override.lstrip("+~").startswith("="):
        raise ConfigError(unreadable(override))
    if not (assignment := _ASSIGNMENT.fullmatch(override)):
        return [override]
    sign, key, value = assignment.groups()
    if "model_file" in models[0].model_fields and key == "model":
        key = "model_file"  # for Hydra, `model` is the group of networks and can be nothing else
    if text := text_key(models, key):
        return [f"{sign or '++'}{line}" for line in _assignments(key, text, value)]
    if key in groups:
        return [f"{sign}{key}={_list(key, value) if value.startswith('[') else _wire(value)}"]
    is_hydras = "@" in key or "/" in key or key.startswith("hydra")
    return [override if is_hydras or sign else f"++{override}"]


def decode(value: Any) -> Any:  # noqa: ANN401 (YAML is untyped until it is built)
    """Return the composed configuration with all text as it was typed.

    What is still `???` is left out, so that `build` says that it is needed.
    """
    match value:
        case dict():
            return {decode(key): decode(part) for key, part in value.items() if part != "???"}
        case list():
            return [decode(item) for item in value]
        case str() if value.startswith(_MARK):
            return bytes.fromhex(value.removeprefix(_MARK)).decode()
    return value


def unreadable(override: str) -> str:
    """Return the message on an override that cannot be read."""
    return f"cannot read the override {override!r}: write KEY=VALUE, and quote what has signs"


def _assignments(key: str, text: TextKey, value: str) -> list[str]:
    path = ".".join(map(_wire_name, text.steps))
    if value == "null" and text.may_be_null:
        return [f"{path}=null"]
    match text.form:
        case Form.LIST:
            return [f"{path}={_list(key, value)}"]
        case Form.MAPPING:
            entries = _entries(key, value)
            return [f"{path}.{_wire_name(name)}={_wire(entry)}" for name, entry in entries] or [
                f"{path}={{}}"
            ]
        case Form.SINGLE:
            return [f"{path}={_wire(value)}"]


def _list(key: str, value: str) -> str:
    return f"[{','.join(map(_wire, _items(key, value)))}]"


def _items(key: str, value: str) -> list[str]:
    """Return the items of a list; what stands between commas is text as it is."""
    if not (value.startswith("[") and value.endswith("]")):
        raise ConfigError(f"{key} takes a list: write {key}=[{value.strip('[]')}]")
    inner = value[1:-1]
    items, at = [], 0
    while inner.strip():
        item = _ITEM.match(inner, at)
        assert item is not None
        if not item[0].strip(", \t\n"):
            raise ConfigError(f"{key}={value}: an item is empty; write '' if that is its name")
        items.append(item[1] or item[2] or item[3] or "")
        if not item[4]:
            break
        at = item.end()
    return items


def _entries(key: str, value: str) -> list[tuple[str, str]]:
    """Return the entries of a mapping, name and value as they are."""
    if not (value.startswith("{") and value.endswith("}")):
        raise ConfigError(f"{key} takes names with values: write {key}={{NAME: VALUE}}")
    inner = value[1:-1]
    entries, at = [], 0
    while inner.strip():
        entry = _ENTRY.match(inner, at)
        if entry is None:
            raise ConfigError(f"{key}={value}: write {{NAME: VALUE, …}}, and quote a name's commas")
        name = entry[1] or entry[2] or entry[3] or ""
        entries.append((name, entry[4] or entry[5] or entry[6] or ""))
        if not entry[7]:
            break
        at = entry.end()
    return entries


def _wire(text: str) -> str:
    """Return text in a form that Hydra and OmegaConf take letter by letter."""
    if text == "???" or "${" in text or "\\" in text or text.startswith(_MARK):
        return _hexadecimal(text)
    return "'" + text.replace("'", r"\'") + "'"


def _wire_name(name: str) -> str:
    is_plain = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]*", name) and not name.startswith(_MARK)
    return name if is_plain else _hexadecimal(name)


def _hexadecimal(text: str) -> str:
    return f"{_MARK}{text.encode().hex()}"
