"""What a reader of the figures has to know about the two sets: what was looked at, what models saw, what is too few.

Enters: both sets. Leaves: sentences.
"""

from __future__ import annotations

from collections.abc import Iterator

from pairaug.evaluation.sets.pair_set import PairSet
from pairaug.evaluation.sets.synthetic import Synthetic
from pairaug.metrics.neighbours import NEIGHBOURS
from pairaug.metrics.novelty import FEWEST_GROUPS

FEW_GROUPS = 8


def remarks_on(real: PairSet, synthetic: Synthetic) -> Iterator[str]:
    """None where there is no synthetic set, for then the two are not compared."""
    if not synthetic.total:
        return
    looked = len(synthetic.items)
    if real.checked.synthetic:
        yield (
            f"{real.checked.synthetic} of the {len(real)} real pairs are synthetic, as their set says: they are no "
            "yardstick; --only-originals leaves them out"
        )
    if looked + len(synthetic.items.checked.bad) < synthetic.total:
        yield (
            f"{looked} of {synthetic.total} synthetic pairs are looked at, drawn evenly over the set; "
            "--sample looks at more"
        )
    if synthetic.originals:
        yield f"{synthetic.originals} originals that the set takes over are left out of it"
    derived = sum(synthetic.derived(index) for index in range(looked))
    if derived:
        yield f"{derived} of {looked} masks are declared as made from real ones and counted apart under novelty"
    if synthetic.unread:
        yield "manifest.json of the synthetic set is another tool's or torn: what its models saw is not known"
    yield from _unseen(real, synthetic)
    yield from _too_few(real)
    if looked < FEW_GROUPS:
        yield f"only {looked} synthetic pairs are looked at: hardly anything can be said of the set that they come from"


def _unseen(real: PairSet, synthetic: Synthetic) -> Iterator[str]:
    """Whether the models behind the synthetic set saw these very pairs."""
    if synthetic.seen is None:
        return
    seen = sum(item.image_digest in synthetic.seen or item.mask_digest in synthetic.seen for item in real.pairs)
    if seen == 0:
        yield (
            "the models saw none of these real pairs: nothing can be a copy of a pair that they did not see, and "
            "differences between the two sources count as unlikeness"
        )
    elif seen < len(real):
        yield f"the models saw {seen} of these {len(real)} real pairs"


def _too_few(real: PairSet) -> Iterator[str]:
    groups = len(set(real.groups))
    if groups >= FEW_GROUPS:
        return
    lost = ["intervals are wide, and only gross differences show"]
    if len(real) // 2 <= NEIGHBOURS:
        lost.append(f"coverage, density, recall and precision need halves of more than {NEIGHBOURS} pairs")
    if groups < FEWEST_GROUPS:
        lost.append(f"copies cannot be told from likenesses, and nothing held out, with fewer than {FEWEST_GROUPS}")
    if groups < 2:
        lost.append("there are no halves, so no ratio at all")
    yield f"only {len(real)} real pairs in {groups} groups: " + "; ".join(lost)
