"""Synthesis: the Python API behind ``pairaug synthesize``.

from pairaug import synthesize
synthesize("./augmented", 1000, seed=1)
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from pairaug import __version__
from pairaug.errors import DataError, ModelError, OutputError, UsageError
from pairaug.files import checked_relative, clear_temporaries, no_temporaries_left, probe_output
from pairaug.fitted.model_file import FOLDERS, FittedModel, load_model
from pairaug.fitted.space import bytes_of_pairs
from pairaug.locking import folder_lock
from pairaug.machine.device import choose_device
from pairaug.machine.ranks import Ranks, joined
from pairaug.machine.workers import default_threads
from pairaug.pairs.checked import Checked, CheckPolicy
from pairaug.pairs.checking import check_pairs, same_labels
from pairaug.pairs.labels import LabelMap
from pairaug.pairs.source import find_masks
from pairaug.reporting import Reporter
from pairaug.synthesis.ancestry import Ancestry
from pairaug.synthesis.descriptions import write_descriptions
from pairaug.synthesis.drafts import GeneratedMasks, GivenMasks, Masks
from pairaug.synthesis.formats import open_format
from pairaug.synthesis.formats.base import Format, Written
from pairaug.synthesis.formats.mirror import changed_image_formats, changed_mask_formats
from pairaug.synthesis.gating import gates_wanted
from pairaug.synthesis.ledger import OWN_NAMES, Ledger
from pairaug.synthesis.making import Crew
from pairaug.synthesis.options import DEFAULT_COUNT, SynthesisOptions, check_options
from pairaug.synthesis.originals import Originals, data_root, find_originals
from pairaug.synthesis.provenance import counts, manifest_body
from pairaug.synthesis.rendering import Renderer
from pairaug.synthesis.rows import Outcome
from pairaug.synthesis.shards import STAGING
from pairaug.synthesis.styles import Styles, find_styles

__all__ = ("SynthesisOptions", "Synthesized", "synthesize", "synthesize_rows")

# Raise it where the same models and the same seed give other bytes than before. 1: one pair at a time, no gates;
# 2: originals and synthetic pairs shared tar files; 3: originals had other names, rows no groups.
SYNTHESIS_VERSION = 4


class Synthesized(NamedTuple):
    """``rows``: those of the manifest, in index order; ``given_up``: pairs that no gate let pass."""

    path: Path
    rows: list[dict[str, Any]]
    given_up: int


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
        works: list[_Synthesis] = []
        ranks.told(lambda: works.append(_prepared(out, options, ranks, speaker)))
        if not ranks.first:  # what the first was not refused
            works.append(_prepared(out, options, ranks, speaker))
        return works[0].run()


def _prepared(out: Path, options: SynthesisOptions, ranks: Ranks, reporter: Reporter) -> _Synthesis:
    """Everything that can be refused before the output is touched."""
    check_options(options)
    given = check_pairs(find_masks(options.masks_from), CheckPolicy()) if options.masks_from else None
    translator = load_model(Path(options.models) / FOLDERS["translator"], "translator")
    masks = _mask_source(options, given, translator, reporter)
    count = _count(options, given)
    if options.per_mask > 1 and not translator.entry.many_per_mask:
        raise UsageError(f"--per-mask {options.per_mask}: {translator.name} knows one image for a mask; leave it at 1")
    _refuse_out_at_inputs(out, options)
    output_format = open_format(options.format, translator, options.wishes)
    originals = None
    if options.include_originals:
        folder = Path(options.models) / FOLDERS["translator"]
        originals = find_originals(translator, folder, output_format, options.originals)
    _refuse_own_names(output_format)
    for name in changed_image_formats(translator.pairs):
        reporter.note(f"{name} images are written as PNG, without their headers")
    for name in changed_mask_formats(translator.pairs, translator.label_values):
        reporter.note(f"{name} masks are written as PNG, which holds all label values exactly")
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
        judges.gates,
        styles,
        device,
    )
    return _Synthesis(out, options, renderer, originals, count, ranks, reporter, judges.remarks)


@dataclass(frozen=True)
class _Synthesis:
    """A synthesis that nothing speaks against; ``count``: synthetic pairs; ``remarks``: on its gates."""

    out: Path
    options: SynthesisOptions
    renderer: Renderer
    originals: Originals | None
    count: int
    ranks: Ranks
    reporter: Reporter
    remarks: tuple[str, ...]

    @property
    def total(self) -> int:
        return self.renderer.first + self.count

    def run(self) -> Synthesized:
        ledgers: list[Ledger] = []
        with ExitStack() as held:
            missing = self.ranks.told(lambda: self._opened(held, ledgers))
            if missing is not None:
                self._crew(ledgers[0] if ledgers else None).make(missing)
                self.ranks.told(lambda: self._finish(ledgers[0]))
                self._tell_rejects(ledgers)
            return self.ranks.told(lambda: Synthesized(self.out, _rows(ledgers[0]), len(ledgers[0].judged.gaps)))

    def _crew(self, ledger: Ledger | None) -> Crew:
        threads = self.options.threads or max(1, default_threads() // self.ranks.here)
        batch_size = self.options.batch_size
        return Crew(self.out, self._render, ledger, self.total, threads, batch_size, self.ranks, self.reporter)

    def _opened(self, held: ExitStack, ledgers: list[Ledger]) -> list[int] | None:
        """Lock the output for as long as ``held`` lasts; what is missing of the set, None where it is complete."""
        held.enter_context(folder_lock(self.out))
        held.enter_context(no_temporaries_left(self.out))
        clear_temporaries(self.out)
        ledger = Ledger(self.out, self._identity(), overwrite=self.options.overwrite, originals=self.renderer.first)
        ledgers.append(ledger)
        there = max([ledger.most, *(index + 1 for index in ledger.rows)]) - self.renderer.first
        if there > self.count:
            raise OutputError(
                f"{self.out}: already holds {there} pairs, more than --count {self.count}; choose another --out"
            )
        missing = ledger.missing(self.total)
        if ledger.complete and not missing and ledger.agrees(self._body(ledger)):
            ledger.close()
            self.reporter.note("already complete")
            return None
        if ledger.rows:
            self.reporter.note(f"{len(ledger.rows)} of {self.total} pairs are there already")
        translator = self.renderer.translator
        plain = translator.shape.channels * (2 if translator.intensity[1] > 255 else 1)
        probe_output(self.out, bytes_of_pairs(len(missing), [pair.size for pair in translator.pairs], plain))
        ledger.begin(self.total)
        for remark in self.remarks:
            self.reporter.note(remark)
        return missing

    def _tell_rejects(self, ledgers: list[Ledger]) -> None:
        for said in filter(None, [ledger.judged.sentence() for ledger in ledgers]):
            self.reporter.note(said)

    def _render(self, indices: Sequence[int]) -> list[Outcome]:
        first = self.renderer.first
        taken = [self.originals.take(index) for index in indices if self.originals is not None and index < first]
        return [*taken, *self.renderer.render([index - first for index in indices if index >= first])]

    def _finish(self, ledger: Ledger) -> None:
        """The records, each of them after all that it describes."""
        digest, body, output_format = ledger.write_metadata(), self._body(ledger), self.renderer.format
        written = Written(ledger.folder, _rows(ledger), self.options.license)
        write_descriptions(output_format, written, body, digest, ledger.beside)
        ledger.finish(body, digest)

    def _body(self, ledger: Ledger) -> dict[str, Any]:
        renderer, judged = self.renderer, ledger.judged
        counted = counts(self.count, len(ledger.rows), renderer.first, judged.rejected)
        body = manifest_body(self._config(), self.options.origins, renderer.format, renderer.masks, renderer.styles)
        return {**body, "counts": counted, "gates": renderer.gates.manifest(), **judged.facts()}

    def _identity(self) -> dict[str, Any]:
        """What two runs have in common that may continue each other; the count may grow."""
        options, masks = self.options, self.renderer.masks
        return {
            "synthesis_version": SYNTHESIS_VERSION,
            "seed": options.seed,
            "per_mask": options.per_mask,
            "format": options.format,
            "images_as": options.images_as,
            "masks_as": options.masks_as,
            "class_names": options.class_names,
            "include_originals": options.include_originals,
            "license": options.license,
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
            "seed": options.seed,
            "per_mask": options.per_mask,
            "masks_from": options.masks_from is not None,
            "style_from": options.style_from is not None,
            "area": options.area,
            "parts": options.parts,
            "include_class": options.include_class,
            "format": options.format,
            "images_as": options.images_as,
            "masks_as": options.masks_as,
            "class_names": options.class_names,
            "include_originals": options.include_originals,
            "license": options.license,
            **({"gates": options.gates} if isinstance(options.gates, str) else {}),
        }


def _rows(ledger: Ledger) -> list[dict[str, Any]]:
    return [ledger.rows[index] for index in sorted(ledger.rows)]


def _refuse_own_names(output_format: Format) -> None:
    """Every name that a pair may get is asked for before anything is written; none may be one of pairaug's records."""
    own = (*OWN_NAMES, STAGING)
    for pair in dict.fromkeys(output_format.translator.pairs):
        place = output_format.place(pair, "synthetic_000000")
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


def _refuse_out_at_inputs(out: Path, options: SynthesisOptions) -> None:
    """The output may not lie in, or around, the models, the given masks or the data that the models saw."""
    models = Path(options.models)
    inputs = [("the models", models)]
    if options.masks_from:
        inputs.append(("--masks-from", options.masks_from))
    if options.originals:
        inputs.append(("--originals", options.originals))
    for folder in FOLDERS.values():
        root = data_root(models / folder)
        if root is not None:
            inputs.append(("the training data", root))
    here = out.resolve()
    for name, path in inputs:
        there = path.resolve()
        if here == there or here in there.parents or there in here.parents:
            raise OutputError(f"{out}: lies inside or around {name} ({path}); choose another --out")
