"""The files in ``.github`` that are written from the code: ``python -m tests.written`` writes them anew.

They stand beside the tests because they are drawn with the same reading of imports by which ``test_house`` judges,
and because the test beside this says when they are behind the code. Nothing of it belongs into the package.
"""
