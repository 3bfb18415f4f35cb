"""Write the files that come from the code, and the parts of files that do."""

from tests.written.files import written

for path, text in written().items():
    path.write_text(text())
    print(path)
