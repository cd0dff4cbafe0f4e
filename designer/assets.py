"""Pictures, styles and scripts, addressed by their content so that browsers keep them for ever."""

from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

ROOT: Final = Path(__file__).parent / "static"


@lru_cache
def asset(path: str) -> str:
    """Return the address of a static file, with its content's hash as version."""
    version = blake2b((ROOT / path).read_bytes(), digest_size=6).hexdigest()
    return f"/static/{path}?v={version}"


class Assets(StaticFiles):
    """Static files; what is asked for by version never has to be asked for again."""

    def __init__(self) -> None:
        super().__init__(directory=ROOT)

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Answer a file with how long it may be kept."""
        response = await super().get_response(path, scope)
        versioned: Any = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("v")
        lasting = versioned and response.status_code in {200, 304}
        response.headers["Cache-Control"] = (
            "public, max-age=31536000, immutable" if lasting else "no-cache"
        )
        return response
