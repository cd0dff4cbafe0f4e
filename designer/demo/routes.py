"""The switch that lets made-up customers visit the demonstration shop."""

from typing import Annotated

from fastapi import APIRouter, Form
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from designer.login.routes import local
from designer.pages import database, pages
from engine.errors import NotFound
from engine.model.workspace import Workspace
from engine.store import documents

router = APIRouter()


@router.post("/demo/visits")
def visits(
    request: Request, on: Annotated[str, Form()] = "no", back: Annotated[str, Form()] = "/"
) -> Response:
    """Turn the visits on or off: whoever makes them reads the workspace's setting."""
    if "demo_visits" not in Workspace.model_fields or not pages(request).shop().demo:
        raise NotFound("The demonstration shop is not loaded.")

    def work(connection: Connection) -> None:
        before = documents.workspace(connection)
        documents.put_workspace(connection, before.model_copy(update={"demo_visits": on == "yes"}))

    database(request).transact(work)
    pages(request).forget_shop()
    if request.headers.get("HX-Request"):
        response: Response = pages(request).render(request, "demo/_switch.html")
        response.headers["X-Part"] = "switch"
        return response
    return RedirectResponse(local(back), 303)
