"""A file that comes in by a request's body: written down as it comes, never held in memory."""

import os
import shutil
from pathlib import Path
from uuid import uuid4

import anyio.to_thread
from starlette.datastructures import UploadFile
from starlette.requests import ClientDisconnect, Request

from engine.errors import Malformed, TooLarge, said
from engine.flow.importing import Folder
from engine.flow.imports.upload import LIMIT

_AT_ONCE = 1_000_000


async def receive(request: Request, folder: Folder) -> Path:
    """Write a request's body into a file of the folder's, and no further than the limit."""
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > LIMIT:
        raise _too_large()
    given = folder.path / f"{uuid4()}.part"
    try:
        with os.fdopen(os.open(given, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            size, parts, waiting = 0, [], 0
            async for part in request.stream():
                size += len(part)
                if size > LIMIT:
                    raise _too_large()
                parts.append(part)
                waiting += len(part)
                if waiting >= _AT_ONCE:
                    await anyio.to_thread.run_sync(out.write, b"".join(parts))
                    parts, waiting = [], 0
            await anyio.to_thread.run_sync(out.write, b"".join(parts))
    except (TooLarge, ClientDisconnect, OSError):
        given.unlink(missing_ok=True)
        raise
    return given


async def receive_form(request: Request, folder: Folder) -> Path:
    """Take the part `file` of a form (multipart) that was sent; it is written down as it comes."""
    announced = request.headers.get("content-length", "")
    if not announced.isdigit():
        raise Malformed("Content-Length: a form has to say how large it is.")
    if int(announced) > LIMIT:
        raise _too_large()
    given = folder.path / f"{uuid4()}.part"
    async with request.form(max_files=1, max_fields=10) as form:
        part = form.get("file")
        if not isinstance(part, UploadFile):
            raise Malformed("file: the form has no such part.")
        with os.fdopen(os.open(given, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            await anyio.to_thread.run_sync(shutil.copyfileobj, part.file, out)
    return given


def _too_large() -> TooLarge:
    return TooLarge(said("The file is larger than %(gigabytes)s GB.", gigabytes=LIMIT // 10**9))
