"""Archives as git makes them, of files that a test gives."""

import io
import tarfile


def tar_of(files: dict[str, bytes]) -> bytes:
    """An uncompressed tar."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return made.getvalue()
