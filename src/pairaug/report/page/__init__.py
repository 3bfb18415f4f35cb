"""The page of an evaluation: one self-contained HTML file without scripts. ``contents`` in, ``document.render`` out."""
