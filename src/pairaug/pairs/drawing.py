"""Draws image/mask pairs, so that the demo and the tests need no patient's data.

In: a `numpy.random.Generator` and a size. Out: an image (uint8, [0, 255]) and its labels (uint8 classes), both
rendered from one geometry, so that the labels are exact. Vessel trees grow from the optic disc, thickest first:

* Radii at a bifurcation: r0^3 = r1^3 + r2^3 (Murray, "The physiological principle of minimum work", PNAS 1926).
* Angles there: cos a1 = (r0^4 + r1^4 - r2^4) / (2 r0^2 r1^2), with 1 and 2 swapped for a2 (Murray, "The physiological
  principle of minimum work applied to the angle of branching of arteries", J Gen Physiol 1926).
* Arcades: parabolas that open from the disc towards the macula (Foracchia et al., IEEE TMI 2004), flattening far out.
* Blood darkens light by Beer-Lambert over the chord through a round vessel.
"""

from cmath import phase, rect
from io import BytesIO
from itertools import pairwise
from math import acos, copysign, cos, pi, sin, sqrt
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pairaug.errors import UsageError
from pairaug.files import write_atomic

Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]

_STEP = 0.006  # one straight piece of a vessel
_CLEARANCE = 0.02  # vessels of one kind keep this far apart, as an artery never crosses an artery
_HALF_PIXEL = 0.55  # least drawn radius in pixels: any thinner and a slanted line falls apart in the labels
_ARTERY, _VEIN = 0, 1  # places in a list of layers
_GREYS = (0.84, 0.6, 0.3, 0.98, 0.12, 0.72, 0.45)  # of each class of a blob picture
_BLOOD = np.array([[0.26, 0.62, 0.54], [0.46, 0.86, 0.68]])  # absorption of R, G, B by arteries and veins


class _Eye(NamedTuple):
    """Where things lie: lengths in units of the side; places are complex numbers, x to the right and y down."""

    centre: complex
    field: float  # radius of the field of view
    temporal: int  # sign of x from the disc to the macula
    disc: complex
    disc_radius: float
    fovea: complex


class _Tip(NamedTuple):
    """A growing end: `arcade` is the signed `4 a` of the parabola it follows, 0 for a vessel that follows none."""

    place: complex
    angle: float
    radius: float
    kind: int
    arcade: float = 0.0
    goal: int = 0  # -1 towards the fovea, 1 away from the disc, 0 not yet known (on an arcade)


class _Layer:
    """The vessels of one kind as three pictures (side, side), float64."""

    def __init__(self, side: int) -> None:
        self.inside = np.full((side, side), -np.inf)  # pixels inside the wall, negative outside
        self.blood = np.zeros((side, side))  # optical depth, [0, 1]
        self.reflex = np.zeros((side, side))  # light streak on the crest, [0, 1]
        self.column = np.arange(float(side))[None, :]  # x of each pixel

    def add(self, start: complex, end: complex, radius: float) -> None:
        """Draw one straight piece."""
        side = len(self.inside)
        wide = max(radius * side, _HALF_PIXEL)
        a, along = start * side - (0.5 + 0.5j), (end - start) * side
        reach = wide + _CLEARANCE * side + 1
        x0, x1 = max(int(a.real + min(along.real, 0) - reach), 0), int(a.real + max(along.real, 0) + reach) + 2
        y0, y1 = max(int(a.imag + min(along.imag, 0) - reach), 0), int(a.imag + max(along.imag, 0) + reach) + 2
        window = np.s_[y0 : max(y1, 0), x0 : max(x1, 0)]
        dx, dy = self.column[:, window[1]] - a.real, self.column.T[window[0]] - a.imag
        t = np.minimum(np.maximum((dx * along.real + dy * along.imag) / abs(along) ** 2, 0), 1)
        away = np.hypot(dx - t * along.real, dy - t * along.imag)
        cover = np.minimum(np.maximum(wide - away + 0.5, 0), 1)
        chord = np.sqrt(1 - np.minimum(away / (wide + 0.5), 1) ** 2) * min(0.22 + 0.78 * (radius / 0.0075) ** 0.8, 1)
        crest = np.exp(-((away / (0.32 * wide)) ** 2)) * min(max((wide - 0.9) / 1.2, 0), 1)
        for picture, new in ((self.inside, wide - away), (self.blood, cover * chord), (self.reflex, crest)):
            np.maximum(picture[window], new, out=picture[window])

    def near(self, place: complex) -> float:
        """Signed distance from the nearest wall, positive inside a vessel, minus infinity where none is near."""
        side = len(self.inside)
        x, y = (min(max(int(v * side), 0), side - 1) for v in (place.real, place.imag))
        return float(self.inside[y, x]) / side


def _draw_eye(rng: np.random.Generator) -> _Eye:
    temporal = 1 if rng.random() < 0.5 else -1
    centre = complex(*rng.uniform(0.494, 0.506, 2))
    disc = centre + complex(-temporal * rng.uniform(0.17, 0.26), rng.uniform(-0.035, 0.02))
    fovea = disc + complex(temporal * rng.uniform(0.3, 0.34), rng.uniform(0.01, 0.045))
    return _Eye(centre, rng.uniform(0.465, 0.485), temporal, disc, rng.uniform(0.058, 0.07), fovea)


def _trunks(eye: _Eye, rng: np.random.Generator) -> list[_Tip]:
    """The vessels that leave the disc: artery and vein of each quadrant, and two fine ones straight to the macula."""
    tips = []
    for vertical in (-1, 1):
        opening, outer = rng.uniform(0.17, 0.25), _VEIN if rng.random() < 0.7 else _ARTERY
        for kind in (_ARTERY, _VEIN):
            # The inner of the two leaves on the temporal side, or they would run on top of each other.
            offset = complex(-eye.temporal * (rng.uniform(-0.1, 0.1) + 0.3 * (kind == outer)), 0.02 * vertical)
            place = eye.disc + eye.disc_radius * offset
            leaving = phase(complex(eye.temporal * (rng.uniform(0, 0.4) - 0.5 * (kind == outer)), vertical))
            arcade = vertical * opening * (1.4 if kind == outer else 1.0)
            radius = (0.0062, 0.0083)[kind] * rng.uniform(0.9, 1.1)
            nasal = phase(complex(-eye.temporal, vertical * rng.uniform(0.45, 1.1)))
            tips.append(_Tip(place, leaving, radius, kind, arcade))
            tips.append(_Tip(place, nasal, radius * rng.uniform(0.62, 0.78), kind, goal=1))
        leaving = phase(complex(eye.temporal, vertical * rng.uniform(0.5, 1.2)))
        tips.append(_Tip(eye.disc, leaving, 0.0027, int(rng.integers(2)), goal=-1))
    return tips


def _pull(tip: _Tip, place: complex, eye: _Eye) -> tuple[float, float]:
    """Angle a vessel at `place` would like to have, and how strongly it turns there in one step."""
    if not tip.arcade:
        return (phase(eye.fovea - place), 0.08) if tip.goal < 0 else (phase(place - eye.disc), 0.05)
    sign, bend, furthest = copysign(1, tip.arcade), abs(tip.arcade), 0.58
    x, y = min(max((place - eye.disc).real * eye.temporal, 0), furthest), (place - eye.disc).imag * sign
    # The parabola flattens towards the raphe: y^2 = bend (x - x^2 / (2 furthest)), and `miss` leads back to it.
    miss = sqrt(bend * (x - x**2 / (2 * furthest))) - y
    slope = bend * (1 - x / furthest) / (2 * max(y, 0.02)) + 4 * miss
    return phase(complex(eye.temporal, sign * slope)), 0.16


def _grow(tip: _Tip, layers: list[_Layer], eye: _Eye, rng: np.random.Generator) -> tuple[list[complex], float, bool]:
    """Walk from a tip to its next bifurcation: the points passed, the last angle, whether it goes on from there."""
    length = rng.uniform(0.04, 0.08) if tip.arcade else rng.uniform(0.045, 0.13)
    shunned = layers if tip.radius < 0.0035 else [layers[tip.kind]]  # fine vessels cross nothing
    points, angle, turn = [tip.place], tip.angle, 0.0
    for step, push in enumerate(rng.normal(0, 0.045 if tip.arcade else 0.04, round(length / _STEP))):
        wish, strength = _pull(tip, points[-1], eye)
        turn = 0.8 * turn + push
        angle += turn + strength * sin(wish - angle)
        place = points[-1] + rect(_STEP, angle)
        if step * _STEP > 0.024:  # only now clear of its own parent
            left, right = (max(layer.near(place + rect(0.018, angle + by)) for layer in layers) for by in (-0.7, 0.7))
            if max(left, right) > -_CLEARANCE:
                angle += 0.17 if left > right else -0.17
            blocked = max(layer.near(place) for layer in shunned) > -0.6 * _CLEARANCE or cos(wish - angle) < -0.2
            if blocked and not tip.arcade:
                return points, angle, False
        points.append(place)
        if abs(place - eye.centre) > eye.field + 0.01 or abs(place - eye.fovea) < 0.045:
            return points, angle, False
    return points, angle, True


def _daughters(tip: _Tip, place: complex, angle: float, eye: _Eye, rng: np.random.Generator) -> list[_Tip]:
    """Split by Murray's laws (module docstring); the first daughter carries on, the second leaves to a side."""
    r0 = tip.radius * 0.985  # unseen twigs take a little blood too
    share = rng.uniform(0.4, 0.8) if tip.arcade else rng.uniform(0.55, 1.0)
    r1 = r0 / (1 + share**3) ** (1 / 3)
    r2 = share * r1
    a1 = acos(min((r0**4 + r1**4 - r2**4) / (2 * r0**2 * r1**2), 1))
    a2 = acos(min((r0**4 + r2**4 - r1**4) / (2 * r0**2 * r2**2), 1))
    way = 1 if rng.random() < 0.5 else -1
    if tip.arcade and abs((place - eye.disc).real) < 0.09 and rng.random() < 0.5:
        way = round(copysign(1, tip.arcade)) * eye.temporal  # outwards: few leave for the macula so early
    leaving = angle + way * min(a2, 0.95)
    to_fovea = eye.fovea - place
    inward = abs(to_fovea) < 0.3 and cos(leaving - phase(to_fovea)) > 0
    onward = angle - way * a1 * (0.4 if tip.arcade else 1.0)
    side_branch = _Tip(place, leaving, r2, tip.kind, goal=tip.goal or (-1 if inward else 1))
    return [tip._replace(place=place, angle=onward, radius=r1), side_branch]


def _draw_vessels(eye: _Eye, side: int, rng: np.random.Generator) -> list[_Layer]:
    """Grow arteries and veins until they cover a share of the field of view near that of DRIVE's masks."""
    layers, tips = [_Layer(side), _Layer(side)], _trunks(eye, rng)
    uncovered = rng.uniform(0.105, 0.145) * pi * eye.field**2
    while tips and uncovered > 0:
        # Thickest first, so that a share reached early costs twigs; the macula's are fine and would always lose.
        tip = max(tips, key=lambda tip: tip.radius * (1.3 if tip.goal < 0 else 1.0))
        tips.remove(tip)
        points, angle, goes_on = _grow(tip, layers, eye, rng)
        if len(points) * _STEP < 0.04 and not goes_on:  # a stump
            continue
        for step, (start, end) in enumerate(pairwise(points)):
            thinned = 1 if goes_on or tip.arcade else 1 - 0.6 * step / len(points)
            layers[tip.kind].add(start, end, tip.radius * thinned)
        uncovered -= 2 * max(tip.radius, _HALF_PIXEL / side) * _STEP * (len(points) - 1)
        if goes_on:
            tips += [tip for tip in _daughters(tip, points[-1], angle, eye, rng) if tip.radius > 0.0013]
    return layers


def _blur(picture: Floats, sigma: float) -> Floats:
    """Gaussian blur of (H, W) by `sigma` pixels, periodic at the border (dark surround, or noise)."""
    fy, fx = np.fft.fftfreq(picture.shape[0])[:, None], np.fft.rfftfreq(picture.shape[1])[None, :]
    kernel = np.exp(-2 * (pi * sigma) ** 2 * (fy**2 + fx**2))
    return np.fft.irfft2(np.fft.rfft2(picture) * kernel, s=picture.shape)


def _mottle(rng: np.random.Generator, shape: tuple[int, int], sigma: float) -> Floats:
    """Smooth noise (H, W) of mean 0 and variance 1."""
    noise = _blur(rng.standard_normal(shape), sigma)
    return np.asarray((noise - noise.mean()) / noise.std())


def _draw_ground(eye: _Eye, side: int, rng: np.random.Generator) -> Floats:
    """The fundus without its vessels, (side, side, 3) in about [0, 1]."""
    x, y = ((np.arange(side) + 0.5) / side)[None, :], ((np.arange(side) + 0.5) / side)[:, None]
    colour = rng.uniform(0.7, 0.86) * np.array([1.0, rng.uniform(0.42, 0.56), rng.uniform(0.17, 0.31)])
    lamp, glow = rng.normal(0.5, 0.05, 2), rng.uniform(0.25, 0.75, 2)
    light = 1.06 - rng.uniform(1.4, 2.3) * ((x - lamp[0]) ** 2 + (y - lamp[1]) ** 2)
    light += rng.uniform(0.04, 0.12) * np.exp(-((x - glow[0]) ** 2 + (y - glow[1]) ** 2) / 0.03)
    coarse, middle, fine, bumpy = (_mottle(rng, (side, side), size * side) for size in (0.05, 0.022, 0.012, 0.04))
    choroid = 0.035 * coarse + 0.018 * fine + rng.uniform(0.01, 0.05) * np.exp(-((middle / 0.6) ** 2))
    grain = choroid[..., None] * [0.8, 1.2, 1.0]
    ground = colour * light[..., None] * (1 + grain)
    macula = np.hypot(x - eye.fovea.real, y - eye.fovea.imag)
    dark = rng.uniform(0.7, 1.0) * (0.75 * np.exp(-((macula / 0.085) ** 2)) + 0.25 * np.exp(-((macula / 0.03) ** 2)))
    ground *= 1 - dark[..., None] * [0.25, 0.36, 0.4]
    x, y = (x - eye.disc.real) / eye.disc_radius, (y - eye.disc.imag) / eye.disc_radius
    disc = np.hypot(x / 0.92, y) * (1 + 0.06 * bumpy)
    cup = np.hypot(x - 0.12 * eye.temporal, y / 1.1) * (1 + 0.06 * bumpy)
    ground *= 1 + np.exp(-(np.maximum(disc - 1, 0) ** 2) / 0.5)[..., None] * rng.uniform(0.04, 0.12)
    deep = 0.5 - 0.5 * np.tanh((cup - rng.uniform(0.38, 0.55)) / 0.16)[..., None]
    nerve = ([0.97, 0.7, 0.36] + deep * [0.03, 0.18, 0.24]) * np.minimum(light, 1.05)[..., None] * (1 + 0.4 * grain)
    opaque = 0.46 - 0.46 * np.tanh((disc - 1) / rng.uniform(0.07, 0.14))[..., None]
    return np.asarray(ground + opaque * (nerve - ground))


def draw_fundus_pair(rng: np.random.Generator, side: int = 256) -> tuple[Bytes, Bytes]:
    """Draw a retinal photograph, left eye or right: image (side, side, 3) uint8 RGB in [0, 255], labels (side, side).

    The labels are uint8, 1 on a vessel inside the field of view and 0 elsewhere. `side` is made for 64 to 1024 pixels.
    """
    eye = _draw_eye(rng)
    artery, vein = _draw_vessels(eye, side, rng)
    picture = _draw_ground(eye, side, rng)
    picture *= np.exp(-artery.blood[..., None] * _BLOOD[_ARTERY] - vein.blood[..., None] * _BLOOD[_VEIN])
    picture *= 1 + artery.reflex[..., None] * [0.12, 0.3, 0.2] + vein.reflex[..., None] * [0.02, 0.05, 0.03]
    pixel = (np.arange(side) + 0.5) / side
    rim = np.hypot(pixel[None, :] - eye.centre.real, pixel[:, None] - eye.centre.imag) - eye.field
    picture = picture * (0.5 - 0.5 * np.tanh(rim / 0.004))[..., None] + [0.022, 0.014, 0.012]
    focus = 0.25 + rng.uniform(0.0011, 0.0018) * side
    seen = np.stack([_blur(picture[..., channel], focus) for channel in range(3)], axis=-1)
    grain = 0.007 * rng.standard_normal(picture.shape) + 0.007 * rng.standard_normal((side, side, 1))
    seen += grain * (0.3 + 0.7 * seen.mean(axis=-1, keepdims=True) / 0.4)
    labels = ((np.maximum(artery.inside, vein.inside) >= 0) & (rim < 0)).astype(np.uint8)
    return np.rint(np.clip(seen, 0, 1) * 255).astype(np.uint8), labels


def _blob(rng: np.random.Generator, shape: tuple[int, int], place: Floats, radius: float) -> Floats:
    """How far out each pixel of (H, W) lies in a bumpy ellipse at `place` (row, column): 0 amidst, 1 on the rim."""
    dy, dx = np.arange(shape[0])[:, None] - place[0], np.arange(shape[1])[None, :] - place[1]
    around, stretch = np.arctan2(dy, dx) + rng.uniform(0, 2 * pi), rng.uniform(0.05, 0.15)
    bumps = 1 + stretch * np.cos(2 * around) + 0.04 * np.cos(3 * around + 1) + 0.03 * np.cos(5 * around)
    return np.asarray(np.hypot(dx, dy) / (radius * bumps))


def draw_blob_pair(rng: np.random.Generator, height: int, width: int, classes: int = 3) -> tuple[Bytes, Bytes]:
    """Draw stained cells: image (height, width) uint8 grey in [0, 255], labels (height, width) uint8 in [0, classes).

    No class is missing: 1 is the cytoplasm (the whole cell if `classes` is 2), 2 the nucleus in it, each further one
    another kind of small body between the cells. Sides are at least 16 pixels, classes 2 to 7.
    """
    assert min(height, width) >= 16, (height, width)
    assert 2 <= classes <= len(_GREYS), classes
    shape, size = (height, width), max(0.1 * min(height, width), 3.0)
    labels, count = np.zeros(shape, np.uint8), max(2, round(height * width / (9 * size**2)))
    for _ in range(2 * count):  # where there is room
        place, radius = rng.uniform(1.3 * size, np.array(shape) - 1.3 * size), size * rng.uniform(0.8, 1.15)
        cell = _blob(rng, shape, place, radius)
        nucleus = _blob(rng, shape, place + rng.uniform(-0.12, 0.12, 2) * size, radius * rng.uniform(0.42, 0.55))
        if not labels[cell < 1.15].any():
            labels[cell < 1] = np.where(nucleus < 1, min(2, classes - 1), 1)[cell < 1]
    for kind in range(3, classes):
        for place in rng.permutation(np.argwhere(labels == 0))[: max(2, count // 2)]:
            labels[(_blob(rng, shape, place, size * (0.2 + 0.05 * (kind % 3))) < 1) & (labels == 0)] = kind
    texture = 0.02 * _mottle(rng, shape, size) + (0.01 + 0.02 * (labels > 0)) * _mottle(rng, shape, 0.15 * size)
    grey = _blur(np.array(_GREYS)[labels] + texture, 0.7) * rng.uniform(0.9, 1.05) + 0.012 * rng.standard_normal(shape)
    return np.rint(np.clip(grey, 0, 1) * 255).astype(np.uint8), labels


def write_demo_pairs(folder: Path, count: int, *, side: int = 256, seed: int = 0) -> Path:
    """Write `folder`/images/01.png, ... (RGB) and `folder`/masks/01.png, ... (grey, 0 and 255); return `folder`.

    Pair i (from 0, in file i + 1) depends on side and (seed, i) alone. Raises UsageError for settings that cannot be.
    """
    if count < 1 or side < 64 or seed < 0:
        raise UsageError(f"cannot draw {count} pairs of side {side} from seed {seed}: at least 1, 64 and 0 are needed")
    for index in range(count):
        image, labels = draw_fundus_pair(np.random.default_rng(np.random.SeedSequence((seed, index))), side)
        for name, pixels in (("images", image), ("masks", labels * np.uint8(255))):
            Image.fromarray(pixels).save(png := BytesIO(), format="PNG")
            (folder / name).mkdir(parents=True, exist_ok=True)
            write_atomic(folder / name / f"{index + 1:0{max(2, len(str(count)))}d}.png", png.getvalue())
    return folder
