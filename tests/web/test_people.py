"""People: invited, let in by a password, changed, shown the door; and what the record says of it."""

import re
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from activities.transport import Letter
from designer.app import create_app
from designer.login import links, passwords
from designer.login.links import password_link
from engine.settings import Settings
from engine.store import audit, users
from engine.store.audit import Asked
from engine.store.session import Database
from tests.web.people import log_in, somebody

PASSWORD = "correct horse battery"
HASH = passwords.hashed(PASSWORD)


@pytest.fixture
def database(shop_settings: Settings) -> Iterator[Database]:
    opened = Database(shop_settings.database_url)
    opened.transact(lambda connection: connection.execute(text("DELETE FROM login_attempt")))
    yield opened
    opened.transact(lambda connection: connection.execute(text("DELETE FROM app_user")))
    opened.close()


def user_of(database: Database, id_: UUID) -> users.User:
    with database.read() as connection:
        return users.one(connection, id_)


def email_of(id_: UUID) -> str:
    return f"{id_}@shop.example"


def enter(client: Any, email: str, password: str, **headers: str) -> Any:
    data = {"email": email, "password": password, "next": "/customers"}
    return client.post("/login", data=data, headers=headers)


def changes(database: Database, **asked: str) -> list[dict[str, Any]]:
    with database.read() as connection:
        assert audit.broken(connection) is None
        return audit.listed(connection, Asked(**asked), limit=50).items


# Logging in


def test_a_password_opens_a_session(stranger: Any, database: Database) -> None:
    id_ = somebody(database, "viewer", HASH)
    answer = enter(stranger, email_of(id_).upper(), PASSWORD)
    assert (answer.status_code, answer.headers["location"]) == (303, "/customers")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert stranger.get("/customers").status_code == 200
    assert user_of(database, id_).last_login_at is not None


def test_only_the_hash_of_a_session_is_kept(stranger: Any, database: Database) -> None:
    enter(stranger, email_of(somebody(database, "viewer", HASH)), PASSWORD)
    token = stranger.cookies["parcours_session"]
    with database.read() as connection:
        kept = str(connection.execute(text("SELECT * FROM session")).all())
    assert token not in kept


def test_over_tls_the_cookie_stays_on_tls(shop_settings: Settings, database: Database) -> None:
    from fastapi.testclient import TestClient

    safe = shop_settings.model_copy(update={"public_url": "https://shop.example"})
    with TestClient(create_app(safe), follow_redirects=False) as client:
        answer = enter(client, email_of(somebody(database, "viewer", HASH)), PASSWORD)
    assert "secure" in answer.headers["set-cookie"].lower()


def test_nobody_learns_who_has_an_account(
    stranger: Any, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    known, invited = somebody(database, "viewer", HASH), somebody(database, "viewer")
    disabled = somebody(database, "viewer", HASH)
    database.transact(lambda c: c.execute(text("UPDATE app_user SET disabled_at = now() "
                                               "WHERE id = :id"), {"id": disabled}))  # fmt: skip
    verified: list[str] = []
    verify = passwords._HASHER.verify

    def counting(password: str, hashed: str) -> bool:
        verified.append(hashed)
        return verify(password, hashed)

    monkeypatch.setattr(passwords, "_HASHER", type("H", (), {
        "verify": staticmethod(counting), "hash": staticmethod(passwords._HASHER.hash)}))  # fmt: skip
    said = set()
    for email, password in (
        (email_of(known), "not her password"),
        ("nobody@shop.example", PASSWORD),
        (email_of(invited), "nobody has this password"),
        (email_of(disabled), PASSWORD),
    ):
        answer = enter(stranger, email, password)
        assert answer.status_code == 422
        said.add(answer.text.replace(email, ""))
    assert len(said) == 1
    assert len(verified) == 4  # each costs one hashing
    assert stranger.get("/customers").status_code == 303


def test_guessing_is_stopped_for_the_account(stranger: Any, database: Database) -> None:
    id_ = somebody(database, "viewer", HASH)
    for _ in range(passwords.MOST_PER_ACCOUNT):
        assert enter(stranger, email_of(id_), "x").status_code == 422
    answer = enter(stranger, email_of(id_), PASSWORD)
    assert answer.status_code == 429
    assert "Too many attempts" in answer.text
    other = somebody(database, "viewer", HASH)
    assert enter(stranger, email_of(other), PASSWORD).status_code == 303
    database.transact(lambda c: c.execute(text("UPDATE login_attempt SET until = now() - "
                                               "interval '1 second'")))  # fmt: skip
    assert enter(stranger, email_of(id_), PASSWORD).status_code == 303


def test_guessing_is_stopped_for_the_address(
    stranger: Any, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "MOST_PER_ADDRESS", 3)
    for n in range(3):
        assert enter(stranger, f"{n}@shop.example", "x").status_code == 422
    right = somebody(database, "viewer", HASH)
    assert enter(stranger, email_of(right), PASSWORD).status_code == 429


def test_without_the_count_nobody_gets_in(
    stranger: Any, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.errors import Unavailable

    def away(*_: object) -> None:
        raise Unavailable("The database does not answer.")

    monkeypatch.setattr("engine.store.attempts.counted", away)
    answer = enter(stranger, email_of(somebody(database, "viewer", HASH)), PASSWORD)
    assert answer.status_code == 503
    assert "parcours_session" not in answer.cookies


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}]
)
def test_another_site_logs_nobody_in(
    stranger: Any, database: Database, headers: dict[str, str]
) -> None:
    id_ = somebody(database, "viewer", HASH)
    assert enter(stranger, email_of(id_), PASSWORD, **headers).status_code == 403
    here = {"Origin": "http://testserver"}
    assert enter(stranger, email_of(id_), PASSWORD, **here).status_code == 303


# Invitations and new passwords


def invite(client: Any, csrf: str, email: str, role: str = "marketer") -> Any:
    data = {"csrf": csrf, "email": email, "name": "Ada", "role": role}
    return client.post("/settings/people", data=data)


def link_in(answer: Any) -> str:
    found = re.search(r'value="(http://testserver/password\?token=[^"]+)"', answer.text)
    assert found is not None
    return unescape(found[1]).removeprefix("http://testserver")


def choose(client: Any, link: str, password: str = PASSWORD, again: str | None = None) -> Any:
    token = link.split("token=")[1]
    data = {"token": token, "password": password, "again": password if again is None else again}
    return client.post("/password", data=data)


def test_somebody_is_invited_and_lets_herself_in(stranger: Any, database: Database) -> None:
    csrf = log_in(stranger, database, None)
    answer = invite(stranger, csrf, "Ada@Shop.example")
    assert answer.headers["cache-control"] == "no-store"
    link = link_in(answer)
    stranger.cookies.clear()
    assert "ada@shop.example" in stranger.get(link).text
    short = choose(stranger, link, "short")
    assert short.status_code == 422
    assert "12 to 200 characters" in short.text
    assert choose(stranger, link, PASSWORD, "other").status_code == 422
    done = choose(stranger, link)
    assert (done.status_code, done.headers["location"]) == (303, "/")
    assert stranger.get("/new").status_code == 200
    assert stranger.get("/settings/people").status_code == 403
    assert stranger.get(link).status_code == 410
    assert choose(stranger, link, "quite another one").status_code == 410
    stranger.cookies.clear()
    assert enter(stranger, "ada@shop.example", PASSWORD).status_code == 303
    recorded = [(one["action"], one["actor_name"]) for one in changes(database, kind="user")][:2]
    assert recorded == [("set password", "Ada"), ("invite", "operator")]


@pytest.mark.parametrize(
    ("email", "role", "status", "said"),
    [
        ("ada@", "viewer", 422, "Write an address like"),
        ("king@shop.example", "king", 422, "Choose a role"),
        ("king@shop.example", "source", 422, "Choose a role"),
    ],
)
def test_a_wrong_invitation_says_so_at_the_field(
    stranger: Any, database: Database, email: str, role: str, status: int, said: str
) -> None:
    answer = invite(stranger, log_in(stranger, database, None), email, role)
    assert answer.status_code == status
    assert said in answer.text


def test_nobody_is_invited_twice(stranger: Any, database: Database) -> None:
    csrf = log_in(stranger, database, None)
    assert invite(stranger, csrf, "twice@shop.example").status_code == 200
    assert invite(stranger, csrf, "TWICE@shop.example").status_code == 409


def test_links_are_for_one_person_one_time_and_a_while(
    stranger: Any, database: Database, shop_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = user_of(database, somebody(database, "viewer", HASH))
    key = shop_settings.signing_key()
    link = password_link(key, "", user)
    assert stranger.get(link).status_code == 200
    assert stranger.get(password_link("another key", "", user)).status_code == 410
    assert stranger.get("/password?token=nonsense").status_code == 410
    gone = replace(user, id=UUID(int=1))
    assert stranger.get(password_link(key, "", gone)).status_code == 410
    monkeypatch.setattr(links, "RESET_LIFE", -links.RESET_LIFE)
    assert stranger.get(link).status_code == 410
    monkeypatch.undo()
    newer = password_link(key, "", user)
    assert choose(stranger, newer, "one two three four").status_code == 303
    assert stranger.get(link).status_code == 410  # made for the password of before


class Post:
    """A transport that is not the outbox, and keeps what it carries."""

    name, settling = "post", "class"

    def __init__(self) -> None:
        self.letters: list[Letter] = []

    def send(self, letter: Letter) -> str:
        self.letters.append(letter)
        return "taken"


def test_the_link_is_mailed_where_mail_goes_out(stranger: Any, database: Database) -> None:
    post = Post()
    stranger.app.state.transports = {**stranger.app.state.transports, "email": post}
    answer = invite(stranger, log_in(stranger, database, None), "mailed@shop.example")
    assert "was mailed to mailed@shop.example" in unescape(answer.text)
    [letter] = post.letters
    assert letter.to == "mailed@shop.example"
    link = re.search(r"http://testserver(/password\?token=\S+)", letter.text or "")
    assert link is not None
    assert choose(stranger, link[1]).status_code == 303


# Changing people


def act(client: Any, csrf: str, user: UUID, verb: str, **data: str) -> Any:
    return client.post(f"/settings/people/{user}/{verb}", data={"csrf": csrf, **data})


def is_in(client: Any) -> bool:
    return bool(client.get("/customers").status_code == 200)


@pytest.mark.parametrize(("verb", "data"), [("disable", {}), ("role", {"role": "staff"})])
def test_whoever_is_disabled_or_gets_another_role_is_logged_out(
    stranger: Any, database: Database, verb: str, data: dict[str, str]
) -> None:
    user = somebody(database, "marketer", HASH)
    log_in(stranger, database, user)
    assert is_in(stranger)
    hers = stranger.cookies["parcours_session"]
    csrf = log_in(stranger, database, None)
    assert act(stranger, csrf, user, verb, **data).status_code == 303
    stranger.cookies.clear()
    stranger.cookies.set("parcours_session", hers)
    assert not is_in(stranger)
    assert (enter(stranger, email_of(user), PASSWORD).status_code == 303) == (verb == "role")


def test_who_is_disabled_gets_in_again_when_enabled(stranger: Any, database: Database) -> None:
    user = somebody(database, "viewer", HASH)
    csrf = log_in(stranger, database, None)
    act(stranger, csrf, user, "disable")
    assert act(stranger, csrf, user, "link").status_code == 409
    act(stranger, csrf, user, "enable")
    assert enter(stranger, email_of(user), PASSWORD).status_code == 303
    done = [one["action"] for one in changes(database, thing=str(user))]
    assert done == ["enable", "disable"]


def test_the_last_administrator_stays_one(stranger: Any, database: Database) -> None:
    first = somebody(database, "administrator", HASH)
    csrf = log_in(stranger, database, None)
    for verb, data in (("disable", {}), ("role", {"role": "viewer"})):
        answer = act(stranger, csrf, first, verb, **data)
        assert answer.status_code == 409
        assert "the last administrator" in answer.text
    assert user_of(database, first).role == "administrator"
    somebody(database, "administrator", HASH)
    assert act(stranger, csrf, first, "role", role="viewer").status_code == 303


# One's own account


def test_a_new_password_ends_every_other_session(stranger: Any, database: Database) -> None:
    user = somebody(database, "viewer", HASH)
    log_in(stranger, database, user)
    other = stranger.cookies["parcours_session"]
    csrf = log_in(stranger, database, user)
    data = {
        "csrf": csrf,
        "current": "not it",
        "password": "a b c d e f g",
        "again": "a b c d e f g",
    }
    wrong = stranger.post("/account/password", data=data)
    assert wrong.status_code == 422
    assert "This is not your password" in wrong.text
    done = stranger.post("/account/password", data={**data, "current": PASSWORD})
    assert done.status_code == 303
    assert is_in(stranger)
    stranger.cookies.clear()
    stranger.cookies.set("parcours_session", other)
    assert not is_in(stranger)
    assert enter(stranger, email_of(user), "a b c d e f g").status_code == 303


def test_a_session_is_ended_by_its_owner_alone(stranger: Any, database: Database) -> None:
    user, thief = somebody(database, "viewer", HASH), somebody(database, "viewer", HASH)
    log_in(stranger, database, user)
    page = stranger.get("/account").text
    assert "Firefox on Linux" in page
    found = re.search(r"/account/sessions/([\w-]+)/end", page)
    assert found is not None
    hers, end = stranger.cookies["parcours_session"], f"/account/sessions/{found[1]}/end"
    assert stranger.post(end, data={"csrf": log_in(stranger, database, thief)}).status_code == 404
    done = stranger.post(end, data={"csrf": log_in(stranger, database, user)})
    assert done.headers["location"] == "/account?saved=ended"
    stranger.cookies.clear()
    stranger.cookies.set("parcours_session", hers)
    assert not is_in(stranger)


def test_the_pages_speak_the_language_of_the_account(stranger: Any, database: Database) -> None:
    user = somebody(database, "viewer", HASH)
    csrf = log_in(stranger, database, user)
    stranger.post("/account", data={"csrf": csrf, "name": "Ada Lovelace", "language": "fr"})
    page = stranger.get("/account").text
    assert '<html lang="fr"' in page
    assert "Ada Lovelace" in page
    stranger.post("/preferences", data={"csrf": csrf, "lang": "en"})
    assert '<html lang="en"' in stranger.get("/account").text


# Keys


def test_a_key_is_shown_once_and_revoked(stranger: Any, database: Database) -> None:
    csrf = log_in(stranger, database, somebody(database, "administrator", HASH))
    nameless = stranger.post("/settings/keys", data={"csrf": csrf, "role": "viewer", "name": " "})
    assert nameless.status_code == 422
    data = {"csrf": csrf, "role": "viewer", "name": "reports"}
    made = stranger.post("/settings/keys", data=data)
    secret = re.search(r'value="(pk_[^"]+)"', made.text)
    assert secret is not None
    headers = {"Authorization": f"Bearer {secret[1]}"}
    assert stranger.get("/v1/journeys", headers=headers).status_code == 200
    page = stranger.get("/settings/keys").text
    assert secret[1] not in page
    revoke = re.search(r"/settings/keys/[\w-]+/revoke", page)
    assert revoke is not None
    assert stranger.post(revoke[0], data={"csrf": csrf}).status_code == 303
    assert [one["action"] for one in changes(database, kind="key")][:2] == ["revoke", "make"]
    assert secret[1] not in str(changes(database, kind="key"))


# The record


def test_a_change_by_page_is_recorded_with_its_difference(
    stranger: Any, database: Database
) -> None:
    user = somebody(database, "administrator", HASH)
    csrf = log_in(stranger, database, user)
    topic = {"csrf": csrf, "id": "recorded", "name": "Before", "default": "subscribed"}
    stranger.post("/topics/new", data=topic)
    stranger.post("/topics/recorded", data={**topic, "name": "After & all"})
    newest, first = changes(database, kind="topic", thing="recorded")
    assert (newest["actor"], newest["before"]["name"]) == (str(user), "Before")
    assert (first["before"], first["after"]["name"]) == (None, "Before")
    page = stranger.get("/settings/changes?kind=topic&thing=recorded").text
    assert re.search(r'class="was">.*?before:.*?Before</span>', page, re.DOTALL)
    assert "After &amp; all" in page
    assert email_of(user) in page
    assert "No such change" in stranger.get("/settings/changes?actor=nobody").text


def test_the_record_is_paged(stranger: Any, database: Database) -> None:
    csrf = log_in(stranger, database, None)
    for n in range(52):
        data = {"csrf": csrf, "id": "paged", "name": f"Name {n}", "default": "subscribed"}
        stranger.post("/topics/new" if n == 0 else "/topics/paged", data=data)
    page = stranger.get("/settings/changes?thing=paged").text
    assert page.count('id="change-') == 50
    older = re.search(r'href="(/settings/changes\?[^"]*cursor=[^"]+)"', page)
    assert older is not None
    assert stranger.get(unescape(older[1])).text.count('id="change-') == 2
