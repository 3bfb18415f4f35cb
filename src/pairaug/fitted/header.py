"""The header of a safetensors file, looked at before anything that it says is believed.

A file is 8 bytes with the length of the header, the header (JSON: for each tensor where its bytes are, and texts
under ``__metadata__``), and the tensors' bytes.
"""

from __future__ import annotations

from pairaug.json_text import parse_json

MAX_HEADER = 2**20


def header_length(data: bytes) -> int:
    """What the first 8 bytes say."""
    return int.from_bytes(data[:8], "little")


def read_metadata(data: bytes) -> dict[str, str]:
    """The texts in the header of a whole file.

    Raises ValueError for a header longer than ``MAX_HEADER`` or than the file, for tensors that do not fill the rest of
    the file exactly (before any memory is given to them), and for JSON of another build.
    """
    length = header_length(data)
    if len(data) < 8 or length > MAX_HEADER or 8 + length > len(data):
        raise ValueError(f"a header of {length} bytes in a file of {len(data)}")
    try:
        header = parse_json(data[8 : 8 + length])
        texts = header.pop("__metadata__", {})
        end = max((int(entry["data_offsets"][1]) for entry in header.values()), default=0)
        metadata = {str(name): str(text) for name, text in texts.items()}
    except (AttributeError, KeyError, IndexError, TypeError, OverflowError, RecursionError):
        raise ValueError("a header that is not one of safetensors") from None
    if end != len(data) - 8 - length:
        raise ValueError("a size that differs from what its header declares")
    return metadata
