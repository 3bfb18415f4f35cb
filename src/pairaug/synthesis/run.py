"""Synthesis: the Python API behind ``pairaug synthesize``.

from pairaug import synthesize
synthesize("./augmented", 1000, seed=1)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pairaug import __version__
from pairaug.errors import DataError, ModelError, OutputError, UsageError
from pairaug.files import checked_relative
from pairaug.fitted.model_file import FOLDERS, FittedModel, load_model
from pairaug.machine.device import choose_device
from pairaug.machine.ranks import Ranks, joined
from pairaug.pairs.added import ADDED
from pairaug.pairs.checked import Checked, CheckPolicy
from pairaug.pairs.checking import check_pairs, same_labels
from pairaug.pairs.labels import LabelMap
from pairaug.pairs.source import find_masks
from pairaug.reporting import Reporter
from pairaug.synthesis.adding import add_pairs, refuse_adding
from pairaug.synthesis.ancestry import Ancestry
from pairaug.synthesis.assembling import Assembly, Plan, Synthesized
from pairaug.synthesis.drafts import GeneratedMasks, GivenMasks, Masks
from pairaug.synthesis.formats import open_format
from pairaug.synthesis.formats.base import Format
from pairaug.synthesis.formats.mirror import changed_image_formats, changed_mask_formats
from pairaug.synthesis.gating import gates_wanted
from pairaug.synthesis.kept_names import refuse_taken
from pairaug.synthesis.ledger import OWN_NAMES
from pairaug.synthesis.options import DEFAULT_COUNT, SynthesisOptions, check_options
from pairaug.synthesis.originals import Originals, data_root, find_originals
from pairaug.synthesis.provenance import manifest_body, models_used
from pairaug.synthesis.rendering import Renderer
from pairaug.synthesis.rows import Outcome
from pairaug.synthesis.shards import STAGING
from pairaug.synthesis.splits import splits_by_descent
from pairaug.synthesis.styles import Styles, find_styles

__all__ = ("SynthesisOptions", "Synthesized", "synthesize", "synthesize_rows")

# Raise it where the same models and the same seed give other bytes than before. 1: one pair at a time, no gates;
# 2: originals and synthetic pairs shared tar files; 3: originals had other names, rows no groups.
SYNTHESIS_VERSION = 4


def synthesize(
    out: str | Path,
    options: SynthesisOptions | int | None = None,
    *,
    reporter: Reporter | None = None,
    **settings: Any,
) -> Path:
    """Write an augmented data set to ``out``; returns its path. The same call continues an interrupted run.

    ``options``: all of them, or the count alone, with ``settings`` by the names of ``SynthesisOptions``.
    """
    if not isinstance(options, SynthesisOptions):
        options = SynthesisOptions(count=options, **settings)
    elif settings:
        options = replace(options, **settings)
    return synthesize_rows(out, options, reporter=reporter).path


def synthesize_rows(
    out: str | Path, options: SynthesisOptions | None = None, *, reporter: Reporter | None = None
) -> Synthesized:
    """As ``synthesize``; also the manifest rows in index order, and how many pairs were given up.

    Started by ``torchrun``, the ranks share the pairs; the bytes are those of one process.
    """
    with joined() as ranks:
        options, speaker, out = options or SynthesisOptions(), (reporter if ranks.first else None), Path(out)
        speaker = speaker or Reporter()
        works: list[Assembly] = []
        ranks.told(lambda: works.append(_prepared(out, options, ranks, speaker)))
        if not ranks.first:  # what the first was not refused
            works.append(_prepared(out, options, ranks, speaker))
        made = works[0].run()
        if options.add_to is not None:
            _add(made, works[0].plan.format, options.add_to, ranks, speaker)
        return made


def _add(made: Synthesized, output_format: Format, target: Path, ranks: Ranks, reporter: Reporter) -> None:
    added = ranks.told(lambda: add_pairs(made.path, made.rows, output_format, target))
    reporter.note(f"{added} pairs are added to {target}; {ADDED} there lists them")
    if added and output_format.counts_pairs:
        reporter.note(f"{target}: raise the number of pairs in its {output_format.counts_pairs} by {added}")


def _prepared(out: Path, options: SynthesisOptions, ranks: Ranks, reporter: Reporter) -> Assembly:
    """Everything that can be refused before the output is touched."""
    check_options(options)
    given = check_pairs(find_masks(options.masks_from), CheckPolicy()) if options.masks_from else None
    translator = load_model(Path(options.models) / FOLDERS["translator"], "translator")
    masks = _mask_source(options, given, translator, reporter)
    count = _count(options, given)
    if options.per_mask > 1 and not translator.entry.many_per_mask:
        raise UsageError(f"--per-mask {options.per_mask}: {translator.name} knows one image for a mask; leave it at 1")
    refuse_out_at(out, _inputs(options))
    output_format = open_format(options.format, translator, options.wishes)
    originals = None
    if options.include_originals:
        folder = Path(options.models) / FOLDERS["translator"]
        originals = find_originals(translator, folder, output_format, options.originals)
    refuse_own_names(output_format, originals, options.prefix)
    for name in changed_image_formats(translator.pairs):
        reporter.note(f"{name} images are written as PNG, without their headers")
    for name in changed_mask_formats(translator.pairs, translator.label_values):
        reporter.note(f"{name} masks are written as PNG, which holds all label values exactly")
    if options.add_to is not None:
        refuse_adding(options.add_to, out, output_format)
    device = choose_device(options.device)
    translator.network.to(device)
    first = len(originals.pairs) if originals else 0
    judges = gates_wanted(options, masks.fitted if isinstance(masks, GeneratedMasks) else None, translator)
    styles = find_styles(options.style_from, translator) if options.style_from else None
    renderer = Renderer(
        masks,
        translator,
        output_format,
        _ancestry(masks, translator, originals, styles),
        options.seed,
        options.per_mask,
        first,
        options.prefix,
        judges.gates,
        styles,
        device,
    )
    plan = _Making(options, renderer, originals, count).plan(judges.remarks)
    return Assembly(out, plan, options, ranks, reporter)


@dataclass(frozen=True)
class _Making:
    """How the pairs of one synthesis are made: ``originals`` first, then ``count`` new ones by the ``renderer``."""

    options: SynthesisOptions
    renderer: Renderer
    originals: Originals | None
    count: int

    def plan(self, remarks: tuple[str, ...]) -> Plan:
        renderer = self.renderer
        used = models_used(renderer.translator, renderer.masks, renderer.styles)
        facts = manifest_body(self._config(), self.options.origins, renderer.format, used)
        facts["gates"] = renderer.gates.manifest()
        made = (self._render, renderer.format, renderer.first, self.count, self._identity(), facts, remarks)
        folds = renderer.format.deals_folds
        if not (self.originals and folds):
            return Plan(*made)
        return Plan(*made, splits=lambda rows: splits_by_descent(rows, folds), splits_wanted=True)

    def _render(self, indices: Sequence[int]) -> list[Outcome]:
        first = self.renderer.first
        taken = [self.originals.take(index) for index in indices if self.originals is not None and index < first]
        return [*taken, *self.renderer.render([index - first for index in indices if index >= first])]

    def _identity(self) -> dict[str, Any]:
        """What two runs have in common that may continue each other; the count may grow."""
        masks = self.renderer.masks
        return {
            "synthesis_version": SYNTHESIS_VERSION,
            **identity_of_options(self.options),
            "masks": masks.fitted.digest if isinstance(masks, GeneratedMasks) else masks.checked.digest,
            "translator": self.renderer.translator.digest,
            "gates": self.renderer.gates.identity(),
            "device": self.renderer.device.type,
            **({"styles": self.renderer.styles.digest} if self.renderer.styles else {}),
            "pairaug": __version__,
        }

    def _config(self) -> dict[str, Any]:
        """The options that determine the content, as the manifest names them."""
        options = self.options
        return {
            "count": self.count,
            **identity_of_options(options),
            "masks_from": options.masks_from is not None,
            "style_from": options.style_from is not None,
            "area": options.area,
            "parts": options.parts,
            "include_class": options.include_class,
            **({"gates": options.gates} if isinstance(options.gates, str) else {}),
        }


def identity_of_options(options: SynthesisOptions) -> dict[str, Any]:
    """Those of a set that says in which form and in whose company pairs are written, by name."""
    names = ("seed", "per_mask", "prefix", "format", "images_as", "masks_as", "class_names", "include_originals")
    return {name: getattr(options, name) for name in (*names, "license")}


def refuse_own_names(output_format: Format, originals: Originals | None, prefix: str) -> None:
    """Every name that a pair may get is asked for before anything is written; none may be one of pairaug's records."""
    own = (*OWN_NAMES, STAGING)
    taken_over = originals.places if originals else ()
    refuse_taken(taken_over, prefix)
    places = (output_format.place(pair, f"{prefix}000000") for pair in dict.fromkeys(output_format.translator.pairs))
    for place in (*places, *taken_over):
        for name in (place.image_name, place.mask_name):
            try:
                first = checked_relative(name, "the translator").parts[0]
            except DataError as error:
                raise ModelError(f"{error.message}; fit it again") from None
            if first in own:
                raise OutputError(
                    f"{first}: is the name of a folder in the training data and of a record in the output; "
                    "give --format nnunet, or rename the folder and fit again"
                )


def _mask_source(
    options: SynthesisOptions, given: Checked | None, translator: FittedModel, reporter: Reporter
) -> Masks:
    if given is not None:
        return GivenMasks(given, LabelMap(translator.label_values))
    fitted = load_model(Path(options.models) / FOLDERS["masks"], "masks")
    same_labels(fitted.label_values, translator.label_values)
    ours = {pair.mask_sha256 for pair in fitted.pairs}
    if ours.isdisjoint(pair.mask_sha256 for pair in translator.pairs):
        reporter.warn("the mask model and the translator were fitted on different data: they share no training mask")
    return GeneratedMasks(fitted)


def _ancestry(masks: Masks, translator: FittedModel, originals: Originals | None, styles: Styles | None) -> Ancestry:
    return Ancestry(
        translator,
        masks.fitted if isinstance(masks, GeneratedMasks) else None,
        [place.image_name for place in originals.places] if originals else (),
        styles.digests if styles else (),
    )


def _count(options: SynthesisOptions, given: Checked | None) -> int:
    if given is None:
        return options.count or DEFAULT_COUNT
    most = len(given.pairs) * options.per_mask
    if options.count is not None and options.count > most:
        raise UsageError(f"--count {options.count}: --masks-from holds {len(given.pairs)} masks, enough for {most}")
    return options.count or most


def _inputs(options: SynthesisOptions) -> Iterator[tuple[str, Path]]:
    """What is read, with the place of each: the models, the given masks, the data that the models saw."""
    models = Path(options.models)
    yield "the models", models
    if options.masks_from:
        yield "--masks-from", options.masks_from
    if options.originals:
        yield "--originals", options.originals
    for folder in FOLDERS.values():
        root = data_root(models / folder)
        if root is not None:
            yield "the training data", root


def refuse_out_at(out: Path, inputs: Iterable[tuple[str, Path]]) -> None:
    """Raises OutputError where the output lies in, or around, what is read."""
    here = out.resolve()
    for name, path in inputs:
        there = path.resolve()
        if here == there or here in there.parents or there in here.parents:
            raise OutputError(f"{out}: lies inside or around {name} ({path}); choose another --out")
