"""Write the files of ``.github`` that come from the code."""

from tests.written.files import written

for path, text in written().items():
    path.write_text(text)
    print(path)
