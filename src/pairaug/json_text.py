"""JSON as pairaug writes and reads it everywhere: other alphabets as they are, and always encodable as UTF-8.

File names are bytes. Python holds those that are no text as lone surrogates, which UTF-8 does not take; here they
become JSON's own escapes (``\\udcff``), which Python reads back as the same name.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

Content = Mapping[str, Any] | Sequence[Any]


def json_text(content: Mapping[str, Any], *, indent: int | None = None, sort_keys: bool = False) -> str:
    return json_bytes(content, indent=indent, sort_keys=sort_keys).decode()


def json_bytes(content: Content, *, indent: int | None = None, sort_keys: bool = False) -> bytes:
    text = json.dumps(content, indent=indent, sort_keys=sort_keys, ensure_ascii=False)
    return text.encode("utf-8", "backslashreplace")


def parse_json(text: str | bytes) -> Any:
    """What JSON from a file holds. Raises ValueError for all that is none, or is nested deeper than Python reads."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def json_document(content: Content) -> bytes:
    """A whole file, for people to read too."""
    return json_bytes(content, indent=2) + b"\n"
