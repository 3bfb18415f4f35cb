"""The words of an evaluation's page: what each statistic and score means, and what to wish for."""

from __future__ import annotations

NAMES = {
    "share": "share of the picture",
    "parts": "connected parts",
    "loops": "loops",
    "skeleton_length": "centre-line length",
    "mean_width": "mean width",
    "end_points": "end points",
    "box_dimension": "box dimension",
    "part_diameter": "diameter of parts",
    "part_row": "height of parts",
    "part_column": "place of parts across",
}
UNITS = {"skeleton_length": "px", "mean_width": "px", "part_diameter": "px"}
MEANINGS = {
    "share": "Part of the picture that the class covers.",
    "parts": "Connected regions in a mask.",
    "loops": "Holes that the class encloses.",
    "skeleton_length": "Length of all centre lines of a mask.",
    "mean_width": "Width, averaged along centre lines.",
    "end_points": "Places where a centre line ends.",
    "box_dimension": "How densely the class fills the plane, from 1 (a line) to 2 (an area).",
    "part_diameter": "Size of each part, as the diameter of a disc of its area.",
    "part_row": "Height of each part's centre, from 0 (top) to 1.",
    "part_column": "Place of each part's centre across, from 0 (left) to 1.",
}
SCORES = {
    "coverage": "Share of real items with a synthetic one among their neighbours.",
    "density": "How crowded synthetic items lie where real ones do.",
    "recall": "Share of real items inside the spread of the synthetic ones.",
    "precision": "Share of synthetic items inside the spread of the real ones.",
    "pairwise Dice": "Overlap of the masks of a set among themselves; 1 is one mask repeated.",
    "variety": "Distance between images of one mask over that between real images; 0 is one image a mask.",
}
GOOD = {
    "coverage": "as high as held-out real",
    "density": "near held-out real; far above it hugs the middle",
    "recall": "as high as held-out real",
    "precision": "as high as held-out real",
    "pairwise Dice": "no higher than real",
    "variety": "above 0",
}
REMEDIES = {
    "masks": "name it in --parts, or raise --max-minutes",
    "images": "name it in --parts, give more real pairs, or raise --max-minutes",
    "images.variety": "synthesise several images of a mask with --per-mask",
    "novelty": "name it in --parts, give more real pairs, or raise --max-minutes",
    "agreement": "name it in --parts, give more real pairs, or raise --max-minutes",
    "utility": "add --utility and --test",
}
