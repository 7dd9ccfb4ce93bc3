"""The archive: sorted, with one time and no owner, so that the same files make the same bytes."""

import gzip
import io
import tarfile
from collections.abc import Mapping
from pathlib import PurePosixPath

from releasing.checkout import Entry


def packed(name: str, files: Mapping[str, Entry], time: int) -> bytes:
    """A .tar.gz of the files, all in the folder `name` and of that time (Unix seconds)."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as tar:
        folders = {folder for path in files for folder in PurePosixPath(name, path).parents} - {PurePosixPath(".")}
        for folder in sorted(map(str, folders)):
            tar.addfile(_member(folder, time, 0o755, tarfile.DIRTYPE))
        for path, entry in sorted(files.items()):
            member = _member(f"{name}/{path}", time, entry.mode, tarfile.REGTYPE)
            member.size = len(entry.content)
            tar.addfile(member, io.BytesIO(entry.content))
    packed_bytes = io.BytesIO()
    with gzip.GzipFile("", "wb", 9, packed_bytes, mtime=time) as stream:
        stream.write(raw.getvalue())
    return packed_bytes.getvalue()


def _member(name: str, time: int, mode: int, kind: bytes) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.mode, member.mtime = kind, mode, time
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    return member
