"""Pure cores over arrays, one metric a file; nothing here reads a disk or knows a model.

Masks are class maps (H, W) of integers in [0, K), class 0 the background. Images are (H, W) or (H, W, C) floating
point in [0, 1]. The items of a set may differ in size. Whatever is random draws from the generator it is given.
"""
