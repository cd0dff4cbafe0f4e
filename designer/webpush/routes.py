"""The public half of the VAPID key. No key of ours, no session: every visitor's browser reads it."""

from fastapi import APIRouter, Request, Response

from activities.push.webpush import application_server_key
from designer.api.problems import ProblemRoute
from engine.errors import NotFound
from engine.settings import Settings

router = APIRouter(prefix="/push", route_class=ProblemRoute)

ANYWHERE = {"Access-Control-Allow-Origin": "*"}
"""The shop's pages are of another origin than this server's."""


@router.get("/key")
def key(request: Request) -> Response:
    """Return the key in base64url."""
    settings: Settings = request.app.state.settings
    private = settings.vapid_private_key.get_secret_value()
    if settings.push != "webpush" or not private:
        raise NotFound("This server sends no Web Push: PARCOURS_PUSH is not webpush.")
    return Response(application_server_key(private), media_type="text/plain", headers=ANYWHERE)
