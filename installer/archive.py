"""A release's archive: verified and unpacked."""

import hashlib
import re
import tarfile
from pathlib import Path, PurePosixPath

from installer.errors import Refused

_NAME = re.compile(r"blockalloc-\d+\.\d+\.\d+[a-z0-9.+-]*")


def verify(archive: Path) -> None:
    """Compare an archive with the checksum in the file beside it. Raises Refused when they differ."""
    beside = archive.with_name(f"{archive.name}.sha256")
    try:
        expected = beside.read_text(encoding="utf-8").split()[0].lower()
    except (OSError, UnicodeDecodeError, IndexError):
        raise Refused(f"{beside}, which has the checksum of the archive, cannot be read: put it there") from None
    with archive.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != expected:
        raise Refused(f"{archive} is damaged: its checksum is {found}, and {beside} says {expected}: fetch both again")


def unpack(archive: Path, folder: Path) -> Path:
    """Unpack into `folder`; returns the release's folder there. Raises Refused for an archive of another kind."""
    try:
        with tarfile.open(archive, "r:gz") as tar:
            members = tar.getmembers()
            top = {PurePosixPath(member.name).parts[0] for member in members if member.name}
            if len(top) != 1 or not _NAME.fullmatch(next(iter(top))):
                raise Refused(f"{archive} is no release: it has not the one folder blockalloc-VERSION")
            for member in members:
                _refuse_what_leads_out(member, archive)
                member.uid = member.gid = 0
                member.uname = member.gname = ""
                member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
            tar.extractall(folder, members)  # noqa: S202 - each member was looked at
    except (tarfile.TarError, EOFError, OSError) as error:
        raise Refused(f"{archive} cannot be unpacked: {error}") from None
    return folder / next(iter(top))


def _refuse_what_leads_out(member: tarfile.TarInfo, archive: Path) -> None:
    path = PurePosixPath(member.name)
    if path.is_absolute() or ".." in path.parts or not (member.isfile() or member.isdir()):
        raise Refused(f"{archive} is no release: {member.name!r} is not a plain file or folder inside it")
