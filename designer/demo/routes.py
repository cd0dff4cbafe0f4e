"""The switch that lets made-up customers visit the demonstration shop."""

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from designer.demo.switch import switch
from designer.login.permits import ADMINISTER
from designer.login.routes import local
from designer.pages import actor, database, pages

router = APIRouter(dependencies=[ADMINISTER])


@router.post("/demo/visits")
def visits(
    request: Request, on: Annotated[str, Form()] = "no", back: Annotated[str, Form()] = "/"
) -> Response:
    """Turn the visits on or off."""
    switch(database(request), on=on == "yes", actor=actor(request))
    pages(request).forget_shop()
    if not request.headers.get("HX-Request"):
        return RedirectResponse(local(back), 303)
    response = pages(request).render(request, "demo/_switch.html", here=local(back))
    response.headers["X-Part"] = "switch"
    return response
