"""WebDataset: tar files of up to a thousand pairs, each ``<key>.image.<ext>``, ``<key>.mask.<ext>``, ``<key>.json``.

What a tar file looks like is decided in ``synthesis.shards``; the JSON member is the pair's row of ``metadata.jsonl``.
"""

from __future__ import annotations

from typing import final

from pairaug.fitted.model_file import TrainedPair
from pairaug.synthesis.formats.base import Format, Place


@final
class WebDataset(Format):
    name = "webdataset"
    sharded = True
    alone = False

    def place(self, pair: TrainedPair, stem: str) -> Place:
        stem = stem.replace(".", "_")  # a key ends at the first dot
        assert pair.image_form is not None
        of_image, of_mask = self.image_form(pair.image_form), self.mask_form(pair.mask_form)
        image, mask = (one.suffix.lower() for one in (of_image, of_mask))
        return Place(f"{stem}.image{image}", f"{stem}.mask{mask}", of_image, of_mask)
