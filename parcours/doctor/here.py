"""This machine: its disk, and the address under which the pages are reached."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from engine.settings import LOOPBACK, Settings
from parcours.doctor.finding import Finding, unwise, well, wrong

_GIGABYTE: Final = 10**9


def look(settings: Settings, *, sends: bool) -> Iterator[Finding]:
    """Look at this machine; `sends` tells whether a provider reaches customers."""
    folder = next(path for path in (settings.data_dir, *settings.data_dir.parents) if path.exists())
    used = shutil.disk_usage(folder)
    yield disk(folder, free=used.free, total=used.total)
    yield public_address(settings, sends=sends)


def disk(folder: Path, *, free: int, total: int) -> Finding:
    """Judge the space that is left, in bytes."""
    said = f"{free / _GIGABYTE:.1f} GB free of {total / _GIGABYTE:.0f} GB for {folder}"
    mend = "Make room, or set PARCOURS_DATA_DIR to a larger disk"
    if free < _GIGABYTE:
        return wrong("disk", said, mend)
    if free < 5 * _GIGABYTE and free < total / 10:
        return unwise("disk", said, mend)
    return well("disk", said)


def public_address(settings: Settings, *, sends: bool) -> Finding:
    """Judge the address that links in messages lead to."""
    about, parts = "public address", urlsplit(settings.url)
    said = f"{parts.scheme}://{parts.netloc}"
    mend = "Set PARCOURS_PUBLIC_URL to the https:// address under which customers reach this server"
    local = (parts.hostname or "") in LOOPBACK or (parts.hostname or "").startswith("127.")
    if sends and local:
        return wrong(
            about, f"{said} is this machine alone, and customers receive links to it", mend
        )
    if sends and parts.scheme != "https":
        return wrong(about, f"{said} is not encrypted, and mailboxes refuse its links", mend)
    if not local and parts.scheme != "https":
        return unwise(about, f"{said} is not encrypted", mend)
    return well(about, said)
