"""The files in ``.github`` that are written from the code: ``python -m tests.written`` writes them anew.

They stand among the tests because they are drawn by the floors by which ``test_house`` judges, and because a test says
when they are behind the code. Nothing of it belongs into the package, nor is it an example of how to use it.
"""
