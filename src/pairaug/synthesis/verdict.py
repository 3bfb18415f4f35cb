"""The verdict of an evaluation, entered into the card of a finished set.

The manifest gets the card's new digest: the set stays whole for ``verify``, and nothing else in it changes. A set that
is made larger gets a new card, without the verdict, which was on another set.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pairaug.errors import DataError
from pairaug.files import digest_bytes, digest_file, write_atomic, write_json
from pairaug.locking import folder_lock
from pairaug.synthesis.card import CARD, with_worth
from pairaug.synthesis.manifest import MANIFEST, read_manifest


def refuse_card(folder: Path) -> None:
    """Raises DataError where ``folder`` is no finished set with a card as it was written."""
    written = read_manifest(folder).get("files", {}).get(CARD)
    if written is None:
        raise DataError(f"{folder}: its manifest names no {CARD}; make the set again with this version, or omit --card")
    if not (folder / CARD).is_file() or digest_file(folder / CARD) != written:
        raise DataError(
            f"{folder / CARD}: is not as it was written; run the same synthesize command again, which mends it"
        )


def enter_verdict(folder: Path, lines: Sequence[str]) -> None:
    """Put ``lines`` of Markdown in the place of the verdict before. Raises DataError as ``refuse_card``."""
    with folder_lock(folder):
        refuse_card(folder)
        data = with_worth((folder / CARD).read_bytes().decode(), "\n".join(lines)).encode()
        manifest = read_manifest(folder)
        write_atomic(folder / CARD, data)
        write_json(folder / MANIFEST, {**manifest, "files": {**manifest["files"], CARD: digest_bytes(data)}})
