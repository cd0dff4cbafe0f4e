"""Writing, saving and publishing a journey's document."""

import re
from html import unescape
from typing import Any
from uuid import uuid4

GOOD = """\
# Kept: comments are for people.
format: 1
id: {id}
name: {name}
topic: news
entry:
  on: {{event: Signed Up}}
steps:
  - {{id: hello, type: send, channel: email, template: welcome}}
"""


def _hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found is not None, name
    return unescape(found[1])


def _text(page: str) -> str:
    found = re.search(r"<textarea[^>]*>(.*?)</textarea>", page, flags=re.DOTALL)
    assert found is not None
    return unescape(found[1])


def _new(visitor: Any, text: str) -> Any:
    page = visitor.get("/new/document").text
    return visitor.post("/new/document", data={"csrf": _hidden(page, "csrf"), "text": text})


def _save(visitor: Any, page: str, id_: str, text: str) -> Any:
    form = {"csrf": _hidden(page, "csrf"), "rev": _hidden(page, "rev"), "text": text}
    return visitor.post(f"/journeys/{id_}/document", data=form)


def _made(visitor: Any) -> str:
    id_ = f"made-{uuid4().hex[:8]}"
    answer = _new(visitor, GOOD.format(id=id_, name="Made here"))
    assert answer.status_code == 303
    return id_


def test_a_new_journey_starts_from_a_document_that_could_be_published(visitor: Any) -> None:
    page = visitor.get("/new/document").text
    assert "Ready to publish" in page
    assert _text(page).startswith("# A journey is a list of steps.")
    french = visitor.get("/new/document", headers={"Accept-Language": "fr"}).text
    assert "Prêt à publier" in french


def test_a_new_journey_is_saved_with_its_comments(visitor: Any) -> None:
    id_ = _made(visitor)
    page = visitor.get(f"/journeys/{id_}/document?saved=yes").text
    assert "# Kept: comments are for people." in _text(page)
    assert "The draft is saved" in page


def test_a_second_journey_of_the_same_id_is_refused_and_its_text_kept(visitor: Any) -> None:
    id_ = _made(visitor)
    answer = _new(visitor, GOOD.format(id=id_, name="A double"))
    assert answer.status_code == 409
    assert "already" in answer.text
    assert "A double" in _text(answer.text)


def test_a_text_with_mistakes_is_kept_and_each_is_named_with_line_and_step(visitor: Any) -> None:
    text = GOOD.format(id="broken", name="Broken").replace("type: send", "type: sing")
    answer = _new(visitor, text)
    assert answer.status_code == 422
    assert "type: sing" in _text(answer.text)
    assert 'data-line="9"' in answer.text
    assert "Not saved" in answer.text


def test_checks_follow_the_text_as_it_is_written(visitor: Any) -> None:
    page = visitor.get("/new/document").text
    text = GOOD.format(id="any", name="Any").replace("template: welcome", "template: nowhere")
    form = {"csrf": _hidden(page, "csrf"), "text": text.replace("\n", "\r\n"), "id": ""}
    answer = visitor.post("/documents/check", data=form)
    assert answer.status_code == 200
    assert "there is no template nowhere" in answer.text
    assert 'data-line="9"' in answer.text
    assert "step hello" in answer.text
    assert "<html" not in answer.text


def test_a_stale_save_is_refused_and_its_text_kept(visitor: Any) -> None:
    id_ = _made(visitor)
    page = visitor.get(f"/journeys/{id_}/document").text
    first = _save(visitor, page, id_, GOOD.format(id=id_, name="First"))
    assert first.status_code == 303
    second = _save(visitor, page, id_, GOOD.format(id=id_, name="Second"))
    assert second.status_code == 409
    assert "somebody else changed this journey" in second.text
    assert "name: Second" in _text(second.text)
    newest = visitor.get(f"/journeys/{id_}/document").text
    assert "name: First" in _text(newest)


def test_a_journey_keeps_its_id(visitor: Any) -> None:
    id_ = _made(visitor)
    page = visitor.get(f"/journeys/{id_}/document").text
    answer = _save(visitor, page, id_, GOOD.format(id="another", name="Another"))
    assert answer.status_code == 422
    assert "stays so" in answer.text


def _publish(visitor: Any, id_: str, page: str) -> Any:
    form = {"csrf": _hidden(page, "csrf"), "rev": _hidden(page, "rev")}
    return visitor.post(f"/journeys/{id_}/publish", data=form)


def test_publishing_says_first_what_it_will_do(visitor: Any) -> None:
    id_ = _made(visitor)
    page = visitor.get(f"/journeys/{id_}/publish").text
    assert "This becomes version 1" in page
    answer = _publish(visitor, id_, page)
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/journeys/{id_}?published=1"
    assert "Version 1 is live" in visitor.get(answer.headers["location"]).text
    again = visitor.get(f"/journeys/{id_}/publish").text
    assert "publishing changes nothing" in again
    assert "Publish version" not in again


def test_publishing_says_what_is_different(visitor: Any) -> None:
    id_ = _made(visitor)
    _publish(visitor, id_, visitor.get(f"/journeys/{id_}/publish").text)
    page = visitor.get(f"/journeys/{id_}/document").text
    text = GOOD.format(id=id_, name="Renamed") + "  - {id: pause, type: wait, for: 1d}\n"
    assert _save(visitor, page, id_, text).status_code == 303
    confirm = unescape(visitor.get(f"/journeys/{id_}/publish").text)
    assert "This becomes version 2" in confirm
    assert "Step “Wait 1 day” is new" in confirm
    assert "Name was “Made here”, is “Renamed”" in confirm
    assert 'aria-current="true">Live' in visitor.get(f"/journeys/{id_}").text


def test_a_draft_that_changed_meanwhile_is_not_published(visitor: Any) -> None:
    id_ = _made(visitor)
    confirm = visitor.get(f"/journeys/{id_}/publish").text
    page = visitor.get(f"/journeys/{id_}/document").text
    _save(visitor, page, id_, GOOD.format(id=id_, name="Changed"))
    answer = _publish(visitor, id_, confirm)
    assert answer.status_code == 409
    assert "Not published" in answer.text


def test_a_draft_with_mistakes_is_not_published(visitor: Any) -> None:
    page = visitor.get("/journeys/birthday/publish").text
    assert "cannot be published yet" in page
    answer = _publish(visitor, "birthday", page)
    assert answer.status_code == 422
    assert "there is no template no-such-template" in answer.text


def test_a_live_journey_is_paused_and_resumed(visitor: Any) -> None:
    id_ = _made(visitor)
    _publish(visitor, id_, visitor.get(f"/journeys/{id_}/publish").text)
    page = visitor.get(f"/journeys/{id_}").text
    token = {"csrf": _hidden(page, "csrf")}
    assert visitor.post(f"/journeys/{id_}/pause", data=token).status_code == 303
    assert "Paused" in visitor.get(f"/journeys/{id_}").text
    assert visitor.post(f"/journeys/{id_}/resume", data=token).status_code == 303
    assert "Live" in visitor.get(f"/journeys/{id_}").text
