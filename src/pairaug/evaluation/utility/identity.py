"""Which pairs did the models, gates and styles behind a synthetic set see? By content, never by name.

Enters: ``manifest.json`` of the set (``models.*.seen``) and its rows, or a list that the user vouches for.
Leaves: ``Fitting``: SHA-256 digests of the files (images, or masks where a model saw bare masks).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pairaug.errors import DataError
from pairaug.evaluation.utility.lazy_pairs import LazyPair
from pairaug.fitted.seen import Seen, all_seen, digests_of


@dataclass(frozen=True)
class Fitting:
    """What was seen: by the name of each model what it was fitted on.

    ``painted``: masks that were given, not generated; ``looked_at``: what models, gates and styles saw for anything
    else than to be fitted on it; ``vouched``: digests that the user says were all, None where he has said nothing;
    ``modelled``: False where no model is judged, and ``vouched`` are the pairs that the arms are given.
    """

    models: Mapping[str, frozenset[str]]
    painted: frozenset[str] = frozenset()
    vouched: frozenset[str] | None = None
    looked_at: frozenset[str] = frozenset()
    modelled: bool = True

    @property
    def known(self) -> frozenset[str]:
        """The pairs that were given with their masks: every arm is given them."""
        return frozenset().union(*self.models.values(), self.painted, self.vouched or ())

    @property
    def digests(self) -> frozenset[str]:
        """Everything that anything saw, for whatever reason: no test pair may be among it."""
        return self.known | self.looked_at


def fitting_of(
    manifest: Mapping[str, Any] | None, synthetic: Iterable[LazyPair], vouched: Iterable[str] | None = None
) -> Fitting:
    """Read a manifest (None: the set has none). Raises DataError where it does not say what its models saw."""
    models: dict[str, frozenset[str]] = {}
    painted: frozenset[str] = frozenset()
    looked_at: frozenset[str] = frozenset()
    for name, facts in ({} if manifest is None else _table(manifest.get("models"))).items():
        facts = _table(facts)
        seen = _seen(facts, str(name))
        if seen is not None:
            if fitted := frozenset(one.image or one.mask or "" for one in seen if one.fitted):
                models[str(name)] = fitted
            looked_at |= digests_of(one for one in seen if not one.fitted)
        elif "given" in facts:
            painted = frozenset(digest for item in synthetic if not item.original for digest in item.derived_from)
    stated = None if vouched is None else frozenset(vouched)
    if not models and not stated:
        raise DataError(
            "the synthetic set does not say which real pairs its models saw (no manifest.json of pairaug with "
            "models.*.seen); give them with --fitted-on LIST"
        )
    return Fitting(models, painted, stated, looked_at)


def seen_pairs(real: Sequence[LazyPair], fitting: Fitting) -> list[int]:
    """Indices of the real pairs that were seen. Raises DataError unless they are exactly what was seen."""
    known = {digest for item in real for digest in (item.image_sha256, item.mask_sha256)}
    if fitting.vouched is not None:
        _refuse_contradiction(real, fitting, known)
        unknown = {"--fitted-on": fitting.vouched - known}
    else:
        unknown = {name: digests - known for name, digests in fitting.models.items()}
    for name, digests in unknown.items():
        if digests:
            total = len(fitting.vouched or ()) if name == "--fitted-on" else len(fitting.models[name])
            who = "--fitted-on names" if name == "--fitted-on" else f"the {name} model saw"
            raise DataError(
                f"{len(digests)} of the {total} pairs that {who} are not in REAL (the first has SHA-256 "
                f"{min(digests)[:12]}...), so no arm can be given the same pairs; give as REAL the data set that the "
                "models were fitted on, or name its pairs in REAL with --fitted-on LIST",
                sorted(digests),
            )
    seen = fitting.known
    found = [index for index, item in enumerate(real) if was_seen(item, seen)]
    if not found:
        raise DataError(
            "none of the pairs that the models saw can be identified in REAL; give as REAL the data set that they "
            "were fitted on, or name its pairs with --fitted-on LIST"
        )
    return found


def remarks(real: Sequence[LazyPair], fitting: Fitting) -> list[str]:
    """What a reader has to know where the models did not see the same."""
    notes = []
    counts = {name: sum(was_seen(item, seen) for item in real) for name, seen in fitting.models.items()}
    if len(set(counts.values())) > 1:
        each = ", ".join(f"{name} {count}" for name, count in counts.items())
        notes.append(f"the models saw different numbers of pairs ({each}); every arm is given all of them")
    strange = fitting.painted - {item.mask_sha256 for item in real}
    if strange:
        notes.append(
            f"{len(strange)} of the masks that were painted are of no pair of REAL: the synthetic arms know them, the "
            "real arms do not"
        )
    if not fitting.modelled:
        notes.append("there is no synthetic set: arms that need none are compared with each other")
    elif fitting.vouched is not None and not fitting.models:
        notes.append("which pairs the models saw is what --fitted-on says; there is no manifest to check it by")
    return notes


def was_seen(item: LazyPair, seen: frozenset[str]) -> bool:
    """By its image or its mask; an empty mask is the same file for many images and says nothing."""
    return item.image_sha256 in seen or (item.mask_sha256 in seen and item.has_foreground())


def _refuse_contradiction(real: Sequence[LazyPair], fitting: Fitting, known: set[str]) -> None:
    """What the manifest says and can be found in REAL must stand in the list as well."""
    stated = fitting.vouched or frozenset()
    listed = {d for i in real if {i.image_sha256, i.mask_sha256} & stated for d in (i.image_sha256, i.mask_sha256)}
    missing = (frozenset().union(*fitting.models.values()) & known) - listed
    if missing:
        names = [item.name for item in real if {item.image_sha256, item.mask_sha256} & missing]
        raise DataError(
            f"--fitted-on leaves out {len(names)} pairs that the manifest says the models saw, such as {names[0]}; "
            "add them, or leave --fitted-on out",
            names,
        )


def _table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _seen(facts: Mapping[str, Any], model: str) -> tuple[Seen, ...] | None:
    try:
        return all_seen(facts)
    except ValueError as error:
        raise DataError(f"manifest.json: models.{model}: {error}; give --fitted-on LIST") from None
