"""The Python API, and what it shares with the command line. Before a call nothing here imports torch, scipy or skimage.

``calls``: the functions that ``pairaug`` exports. ``keywords``: their arguments, by the names of the flags.
``wording``: the library's messages, which speak of flags, in words for a Python caller. ``pair_options`` and
``evaluating``: options as given -> what the library works with; the commands use them too.
"""
