"""Synthetic pairs from their numbers: draft a mask, judge it, paint it, judge the image, encode.

Enters: the fitted models, a seed, the numbers of some pairs. Leaves for each of them two files' bytes, their names and
a manifest row, or a gap where the gates let nothing pass. Pairs are painted together, and yet nothing but (seed,
number) has any influence on one: not the others, not how many are made at once, not how often the run was interrupted.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pairaug.arrays.resampling import resize_image, resize_labels
from pairaug.arrays.tensors import to_pixels
from pairaug.files import digest_bytes
from pairaug.fitted.model_file import FittedModel, TrainedPair
from pairaug.gates.base import Gates, Pixels, Reject
from pairaug.machine.randomness import derive, numpy_generator, torch_generator
from pairaug.models.base import Shares, Translator
from pairaug.pairs.encoding import encode_glued, encode_image, encode_mask
from pairaug.pairs.form import Form
from pairaug.pairs.levels import deep_pixels, shallow_pixels
from pairaug.synthesis.ancestry import Ancestry
from pairaug.synthesis.drafts import Draft, Masks
from pairaug.synthesis.formats.base import Format
from pairaug.synthesis.options import DEFAULT_PREFIX
from pairaug.synthesis.rows import Gap, Made, Outcome, pair_row
from pairaug.synthesis.shards import shard_name
from pairaug.synthesis.styles import Styles

# ITU-R BT.601, what Pillow's own conversion to grey uses.
_LUMA = np.array([0.299, 0.587, 0.114])
# Painted in one go: 16 masks of 1024 x 1024, or one whole slide.
_MOST_PIXELS = 2**24


@dataclass
class _Pair:
    """A pair under way: the draft to be painted, and what was rejected before it.

    ``classes``, ``shares``: of the last image, the mask of what is on it, and whose pixels it has.
    """

    number: int
    draft: Draft | None = None
    masks_tried: int = 0
    images_tried: int = 0
    rejects: list[Reject] = field(default_factory=list)
    classes: NDArray[np.uint8] | None = None
    shares: Shares = field(default_factory=dict)
    outcome: Outcome | None = None


@dataclass(frozen=True)
class Renderer:
    """Makes the pairs of a data set; ``first`` is the index in the set of pair 0.

    ``ancestry``: of what the models saw; ``per_mask``: images of each mask, which share it whatever becomes of any of
    them; ``prefix``: what names begin with; ``styles``: the manners in which they are painted, None: the translator's
    own; ``device``: where to paint.
    """

    masks: Masks
    translator: FittedModel
    format: Format
    ancestry: Ancestry
    seed: int
    per_mask: int
    first: int = 0
    prefix: str = DEFAULT_PREFIX
    gates: Gates = field(default_factory=Gates)
    styles: Styles | None = None
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    painting: threading.Lock = field(default_factory=threading.Lock)

    def render(self, numbers: Sequence[int]) -> list[Outcome]:
        """The pairs of these numbers, in their order."""
        pairs = [_Pair(number) for number in numbers]
        while unfinished := [pair for pair in pairs if pair.outcome is None]:
            for pair in unfinished:
                self._draft(pair)
            ready = [pair for pair in unfinished if pair.outcome is None]
            for pair, pixels in self._painted(ready):
                self._judge(pair, pixels)
        return [pair.outcome for pair in pairs if pair.outcome is not None]

    def _named(self, shares: Shares) -> dict[str, float]:
        """The digest of each picture that gave pixels, and the share of the image that they are."""
        named = [pair.image_sha256 for pair in self.translator.pairs]
        named += [one.image or "" for one in self.translator.beside if "background" in one.uses]
        return {named[number]: share for number, share in shares.items()}

    def _reference(self, number: int) -> TrainedPair:
        """The training pair whose size, form and folder a pair takes over."""
        pairs = self.translator.pairs
        return pairs[int(numpy_generator(self.seed, "reference", number // self.per_mask).integers(len(pairs)))]

    def _draft(self, pair: _Pair) -> None:
        """A mask that passes its gates, drawn from the attempt on that the pair has come to; else a gap."""
        width, height = self._reference(pair.number).size
        number = pair.number // self.per_mask
        while pair.draft is None:
            if pair.masks_tried >= self.gates.attempts:
                pair.outcome = Gap(self.first + pair.number, tuple(pair.rejects))
                return
            drawn = self.masks.draw(self.seed, number, pair.masks_tried, (height, width))
            failure = self.gates.mask_failure(drawn.classes, pair.masks_tried) if self.masks.again else None
            if failure is None:
                pair.draft = drawn
            elif pair.number % self.per_mask == 0:  # a mask is counted once, whatever number of images it has
                pair.rejects.append(failure)
            pair.masks_tried += 1

    def _painted(self, pairs: Sequence[_Pair]) -> Iterator[tuple[_Pair, Pixels]]:
        """Images (H, W, C) at their masks' sizes, painted together where they are of one size and not too large."""
        network, shape = self.translator.network, self.translator.shape
        assert isinstance(network, Translator)
        square = self.translator.entry.works == "square"
        for part in _of_one_size(pairs, (shape.height, shape.width) if square else None):
            drafts = [pair.draft for pair in part if pair.draft is not None]
            shown = [resize_labels(d.classes, shape.height, shape.width) if square else d.classes for d in drafts]
            labels = torch.from_numpy(np.stack(shown)).long().to(self.device)
            generators = [torch_generator(self.seed, "image", pair.number, pair.images_tried) for pair in part]
            complete = self.masks.again and not square  # masks that the user gives stay as they are
            if self.device.type == "cpu":
                painted = network.paint(labels, generators, complete=complete)
            else:  # a device does one thing at a time; meanwhile others draft and encode
                with self.painting:
                    painted = network.paint(labels, generators, complete=complete)
            shown_on = painted.labels.cpu().numpy().astype(np.uint8)
            for place, (pair, draft, image) in enumerate(zip(part, drafts, painted.images.cpu(), strict=True)):
                pair.classes, pair.shares = draft.classes if square else shown_on[place], painted.shares[place]
                if self.styles is not None:
                    image = self.styles.applied(image, self.seed, pair.number, pair.images_tried)
                yield pair, resize_image(to_pixels(image, self.translator.intensity), *draft.classes.shape)

    def _judge(self, pair: _Pair, pixels: Pixels) -> None:
        """Encode what passes; else another image of the mask, or where a mask has but one, another mask."""
        draft, several = pair.draft, self.translator.entry.many_per_mask
        assert draft is not None
        assert pair.classes is not None
        failure = self._failure(draft, pair.classes, pixels, draft.attempt + pair.images_tried)
        if failure is None:
            pair.outcome = self._encoded(pair, replace(draft, classes=pair.classes), pixels)
            return
        pair.rejects.append(failure)
        if several:
            pair.images_tried += 1
        elif self.masks.again:
            pair.draft = None
        if pair.images_tried >= self.gates.attempts or not (several or self.masks.again):
            pair.outcome = Gap(self.first + pair.number, tuple(pair.rejects))

    def _failure(self, draft: Draft, classes: NDArray[np.uint8], pixels: Pixels, attempt: int) -> Reject | None:
        """What the image does not pass. A mask that it completes has to pass once more what masks have to."""
        completed = classes is not draft.classes and not np.array_equal(classes, draft.classes)
        failure = self.gates.mask_failure(classes, attempt) if completed else None
        return failure or self.gates.image_failure(pixels, classes, attempt)

    def _encoded(self, pair: _Pair, draft: Draft, pixels: Pixels) -> Made:
        place = self.format.place(self._reference(pair.number), f"{self.prefix}{pair.number:06d}")
        levels = as_form(pixels, place.image_form, self.translator.intensity)
        values = self.format.to_values(draft.classes)
        if place.glued:
            image = mask = encode_glued(levels, values, place.mask_form, place.glued)
        else:
            image, mask = encode_image(levels, place.image_form), encode_mask(values, place.mask_form)
        index, pixels_from = self.first + pair.number, self._named(pair.shares)
        row = pair_row(
            place,
            index,
            "synthetic",
            (digest_bytes(image), digest_bytes(mask)),
            draft.classes,
            self.format.label_map,
            self.ancestry.of(draft.derived_from, pixels_from),
            seed=derive(self.seed, "image", pair.number, pair.images_tried),
            attempt=draft.attempt + pair.images_tried,
            derived_from=draft.derived_from,
            displacement=draft.displacement,
            pixels_from=pixels_from,
            glues=self.format.glues,
            shard=shard_name(index, self.first) if self.format.sharded else None,
        )
        return Made(image, mask, row, tuple(pair.rejects))


def _of_one_size(pairs: Sequence[_Pair], size: tuple[int, int] | None) -> Iterator[list[_Pair]]:
    """Pairs whose masks are painted at one size, no more than ``_MOST_PIXELS`` together; ``size``: that of all."""
    by_size: dict[tuple[int, ...], list[_Pair]] = {}
    for pair in pairs:
        assert pair.draft is not None
        by_size.setdefault(size or pair.draft.classes.shape, []).append(pair)
    for (height, width), group in by_size.items():
        most = max(1, _MOST_PIXELS // (height * width))
        for start in range(0, len(group), most):
            yield group[start : start + most]


def as_form(pixels: NDArray[Any], form: Form, intensity: tuple[int, int]) -> NDArray[Any]:
    """(H, W, C) -> (H, W[, C]) in the channels and the depth of ``form``; ``intensity``: black and white of the set."""
    if form.channels == 1 and pixels.shape[2] == 3:
        pixels = np.rint(pixels @ _LUMA).astype(pixels.dtype)
    elif form.channels == 1:
        pixels = pixels[..., 0]
    elif pixels.shape[2] == 1:
        pixels = np.repeat(pixels, 3, axis=2)
    if pixels.dtype == np.uint16 and form.bits < 16:
        return shallow_pixels(pixels, intensity)
    if pixels.dtype == np.uint8 and form.bits == 16:
        return deep_pixels(pixels, intensity)
    return pixels
