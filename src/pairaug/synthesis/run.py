"""Synthesis: the Python API behind ``pairaug synthesize``.

from pairaug import synthesize
synthesize("./augmented", 1000, seed=1)
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pairaug import __version__
from pairaug.errors import DataError, ModelError, OutputError, UsageError
from pairaug.files import checked_relative, clear_temporaries, no_temporaries_left, probe_output
from pairaug.fitted.model_file import FOLDERS, FittedModel, load_model
from pairaug.fitted.space import bytes_of_pairs
from pairaug.json_text import json_document
from pairaug.locking import folder_lock
from pairaug.machine.signals import Interruption
from pairaug.machine.workers import default_threads, working
from pairaug.models.base import Translator
from pairaug.pairs.checked import Checked, CheckPolicy
from pairaug.pairs.checking import check_pairs, same_labels
from pairaug.pairs.labels import LabelMap
from pairaug.pairs.source import find_masks
from pairaug.reporting import Reporter
from pairaug.synthesis.croissant import CROISSANT, describe
from pairaug.synthesis.formats import DEFAULT_FORMAT, check_format, open_format
from pairaug.synthesis.formats.base import Format, Written
from pairaug.synthesis.formats.mirror import changed_image_formats, changed_mask_formats
from pairaug.synthesis.ledger import OWN_NAMES, Ledger
from pairaug.synthesis.originals import Originals, data_root, find_originals
from pairaug.synthesis.provenance import manifest_body
from pairaug.synthesis.rendering import GeneratedMasks, GivenMasks, Renderer
from pairaug.synthesis.rows import Made
from pairaug.synthesis.shards import STAGING
from pairaug.training.plan import DEFAULT_MODELS

DEFAULT_COUNT = 100
_WRITERS = 2


@dataclass(frozen=True)
class SynthesisOptions:
    """What to make. ``count`` None: 100, or one for each mask of ``masks_from``.

    ``masks_from``: a folder of masks to paint instead of generated ones; ``per_mask``: images for each mask;
    ``batch_size``: pairs in work at once, at least the threads; neither it nor ``threads`` changes a byte.
    ``format``: one of ``formats.FORMATS``; ``include_originals``: the training pairs come first; ``license``: the
    terms to name in the records; ``originals``: where the training pairs lie now, if their folder was moved.
    """

    count: int | None = None
    models: Path = Path(DEFAULT_MODELS)
    seed: int = 0
    masks_from: Path | None = None
    per_mask: int = 1
    batch_size: int = 4
    threads: int | None = None
    overwrite: bool = False
    format: str = DEFAULT_FORMAT
    include_originals: bool = False
    license: str | None = None
    originals: Path | None = None
    origins: Mapping[str, str] = field(default_factory=dict)


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
    return synthesize_rows(out, options, reporter=reporter)[0]


def synthesize_rows(
    out: str | Path, options: SynthesisOptions | None = None, *, reporter: Reporter | None = None
) -> tuple[Path, list[dict[str, Any]]]:
    """As ``synthesize``; also the manifest rows in index order."""
    options, reporter, out = options or SynthesisOptions(), reporter or Reporter(), Path(out)
    _check_numbers(options)
    check_format(options.format)
    given = check_pairs(find_masks(options.masks_from), CheckPolicy()) if options.masks_from else None
    translator = load_model(Path(options.models) / FOLDERS["translator"], "translator")
    masks = _mask_source(options, given, translator, reporter)
    count = _count(options, given)
    assert isinstance(translator.network, Translator)
    if options.per_mask > 1 and not translator.network.many_per_mask:
        raise UsageError(f"--per-mask {options.per_mask}: {translator.name} knows one image for a mask; leave it at 1")
    _refuse_out_at_inputs(out, options)
    output_format = open_format(options.format, translator)
    originals = None
    if options.include_originals:
        folder = Path(options.models) / FOLDERS["translator"]
        originals = find_originals(translator, folder, output_format, options.originals)
    _refuse_own_names(output_format)
    for name in changed_image_formats(translator.pairs):
        reporter.note(f"{name} images are written as PNG, without their headers")
    for name in changed_mask_formats(translator.pairs, translator.label_values):
        reporter.note(f"{name} masks are written as PNG, which holds all label values exactly")
    first = len(originals.pairs) if originals else 0
    renderer = Renderer(masks, translator, output_format, options.seed, options.per_mask, first)
    with folder_lock(out), no_temporaries_left(out):
        clear_temporaries(out)
        ledger = Ledger(out, _identity(options, masks, translator), overwrite=options.overwrite)
        _fill(ledger, renderer, originals, count, options, reporter)
    return out, [ledger.rows[index] for index in range(first + count)]


def _identity(options: SynthesisOptions, masks: GeneratedMasks | GivenMasks, translator: FittedModel) -> dict[str, Any]:
    """What two runs have in common that may continue each other; the count may grow."""
    return {
        "seed": options.seed,
        "per_mask": options.per_mask,
        "format": options.format,
        "include_originals": options.include_originals,
        "license": options.license,
        "masks": masks.fitted.digest if isinstance(masks, GeneratedMasks) else masks.checked.digest,
        "translator": translator.digest,
        "pairaug": __version__,
    }


def _fill(
    ledger: Ledger,
    renderer: Renderer,
    originals: Originals | None,
    count: int,
    options: SynthesisOptions,
    reporter: Reporter,
) -> None:
    """Bring the output to ``count`` synthetic pairs: what is missing, then what lies beside the pairs."""
    out, first = ledger.folder, renderer.first
    total = first + count
    there = max(ledger.most, max(ledger.rows, default=-1) + 1) - first
    if there > count:
        raise OutputError(f"{out}: already holds {there} pairs, more than --count {count}; choose another --out")
    body = manifest_body(_config(count, options), options.origins, renderer.format, renderer.masks, first)
    if ledger.complete and len(ledger.rows) == total and ledger.agrees(body):
        ledger.close()
        reporter.note("already complete")
        return
    if ledger.rows:
        reporter.note(f"{len(ledger.rows)} of {total} pairs are there already")
    translator = renderer.translator
    plain = translator.shape.channels * (2 if translator.intensity[1] > 255 else 1)
    probe_output(out, bytes_of_pairs(total - len(ledger.rows), [pair.size for pair in translator.pairs], plain))
    ledger.begin(total)

    def make(index: int) -> Made:
        if originals is not None and index < first:
            return originals.take(index)
        return renderer.render(index - first)

    _make_missing(make, ledger, total, options, reporter)
    _finish(ledger, renderer, count, options, body)


def _finish(ledger: Ledger, renderer: Renderer, count: int, options: SynthesisOptions, body: Mapping[str, Any]) -> None:
    """The records, each of them after all that it describes."""
    metadata_digest = ledger.write_metadata()
    rows = [ledger.rows[index] for index in range(renderer.first + count)]
    renderer.format.write_beside(Written(ledger.folder, rows, options.license), ledger.beside)
    with ledger.beside(CROISSANT) as file:
        file.write(json_document(describe(rows, metadata_digest, options.license)))
    ledger.finish(body, metadata_digest)


def _config(count: int, options: SynthesisOptions) -> dict[str, Any]:
    """The options that determine the content, as the manifest names them."""
    return {
        "count": count,
        "seed": options.seed,
        "per_mask": options.per_mask,
        "masks_from": options.masks_from is not None,
        "format": options.format,
        "include_originals": options.include_originals,
        "license": options.license,
    }


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


def _check_numbers(options: SynthesisOptions) -> None:
    named = (("count", options.count), ("per-mask", options.per_mask), ("batch-size", options.batch_size))
    for name, value in (*named, ("threads", options.threads)):
        if value is not None and value < 1:
            raise UsageError(f"--{name} {value}: must be 1 or more")
    if options.seed < 0:
        raise UsageError(f"--seed {options.seed}: must be 0 or more")
    if options.license is not None and not options.license.strip():
        raise UsageError("--license: is empty; give the terms in words, or leave it out")
    if options.originals is not None and not options.include_originals:
        raise UsageError(f"--originals {options.originals}: only together with --include-originals")


def _mask_source(
    options: SynthesisOptions, given: Checked | None, translator: FittedModel, reporter: Reporter
) -> GeneratedMasks | GivenMasks:
    if given is not None:
        return GivenMasks(given, LabelMap(translator.label_values))
    fitted = load_model(Path(options.models) / FOLDERS["masks"], "masks")
    same_labels(fitted.label_values, translator.label_values)
    ours = {pair.mask_sha256 for pair in fitted.pairs}
    if ours.isdisjoint(pair.mask_sha256 for pair in translator.pairs):
        reporter.warn("the mask model and the translator were fitted on different data: they share no training mask")
    return GeneratedMasks(fitted)


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


def _make_missing(
    make: Callable[[int], Made], ledger: Ledger, count: int, options: SynthesisOptions, reporter: Reporter
) -> None:
    """Make what is not there yet. Each pair is made by one thread; others render, encode and write meanwhile."""
    threads = options.threads or default_threads()
    in_work = max(options.batch_size, threads) + _WRITERS  # where writing falls behind, memory stays flat
    rendering, stop = threading.Semaphore(threads), threading.Event()

    def make_and_write(index: int) -> None:
        with rendering:
            made = make(index)
        if not stop.is_set():  # a write that failed is followed by no other
            ledger.add(made)

    with Interruption(reporter.warn) as interruption:
        missing = [index for index in range(count) if index not in ledger.rows]
        wanted = itertools.takewhile(lambda _: not interruption.signal, missing)
        with working(make_and_write, wanted, in_work, one_thread=True, stop=stop) as results:
            for _ in results:
                reporter.progress(len(ledger.rows), count, "pairs")
        if interruption.signal:
            raise interruption.error(f"{len(ledger.rows)} of {count} pairs are written")
    reporter.end_progress()
