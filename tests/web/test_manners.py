"""Rules and manners are changed by forms; what they held back is found by its numbers."""

import re
from html import unescape
from typing import Any
from uuid import uuid4

from sqlalchemy import func, select

from engine.model.cap import Cap
from engine.store import documents, tables
from engine.store.session import Database

RULE = {"limit": "2", "per": "7", "per_unit": "d", "calendar": "", "on_full": "defer",
        "wait": "2", "wait_unit": "d", "keep": "1", "above": "60"}  # fmt: skip


def csrf(visitor: Any, address: str = "/manners") -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', visitor.get(address).text)
    assert found is not None
    return found[1]


def caps(shop_url: str) -> dict[str, Cap]:
    database = Database(shop_url)
    with database.read() as connection:
        found = documents.caps(connection)
    database.close()
    return found


def test_a_rule_is_written_changed_and_deleted(visitor: Any, shop_url: str) -> None:
    name = f"Twice {uuid4().hex[:6]}"
    token = csrf(visitor, "/manners/rules/new")
    given = {**RULE, "csrf": token, "name": name, "channels": ["email", "sms"], "topics": "offers"}
    assert (
        visitor.post("/manners/rules/new", data=given).headers["location"] == "/manners?saved=rule"
    )
    id_ = name.lower().replace(" ", "-")
    assert caps(shop_url)[id_] == Cap.model_validate(
        {"id": id_, "name": name, "channels": ["email", "sms"], "topics": ["offers"], "limit": 2,
         "per": "7d", "on_full": "defer", "defer_at_most": "2d",
         "keep": {"slots": 1, "above_priority": 60}}
    )  # fmt: skip
    page = unescape(visitor.get("/manners?saved=rule").text)
    assert "At most 2 messages by Email and SMS together about “Offers and sales” in any 7 days; 1 of them kept for journeys above priority 60; when full: wait up to 2 days, then leave it out." in page  # fmt: skip

    changed = {**given, "calendar": "month", "keep": "", "channels": []}
    assert visitor.post(f"/manners/rules/{id_}", data=changed).status_code == 303
    assert caps(shop_url)[id_].per == "month"
    assert caps(shop_url)[id_].keep is None
    assert visitor.post(f"/manners/rules/{id_}/delete", data={"csrf": token}).status_code == 303
    assert id_ not in caps(shop_url)
    assert visitor.get(f"/manners/rules/{id_}").status_code == 404
    assert visitor.post(f"/manners/rules/{id_}", data=given).status_code == 404


def test_a_wrong_rule_is_not_saved_and_its_field_says_why(visitor: Any, shop_url: str) -> None:
    before = caps(shop_url)
    token = csrf(visitor, "/manners/rules/new")
    answer = visitor.post(
        "/manners/rules/new", data={**RULE, "csrf": token, "name": "", "limit": "few"}
    )
    assert answer.status_code == 422
    page = unescape(answer.text)
    assert "Write a whole number from 0 to 1000." in page
    assert "Give the rule a name" in page
    assert 'aria-describedby="limit-wrong"' in page
    assert 'value="few"' in page
    assert caps(shop_url) == before


def test_a_rule_reads_as_a_sentence_while_it_is_written(visitor: Any) -> None:
    token = csrf(visitor, "/manners/rules/new")
    said = visitor.post("/manners/sentence", data={**RULE, "csrf": token, "name": "x"})
    assert "At most 2 messages in any 7 days" in said.text
    assert said.headers["X-Part"] == "sentence"
    wrong = visitor.post("/manners/sentence", data={**RULE, "csrf": token, "name": "x", "per": ""})
    assert "Write a number, like 7." in wrong.text


def test_manners_are_saved_and_the_rest_of_the_settings_stays(visitor: Any, shop_url: str) -> None:
    database = Database(shop_url)
    with database.read() as connection:
        before = documents.workspace(connection)
    given = {"csrf": csrf(visitor), "sms_from": "20:00", "sms_to": "08:30", "push_from": "22:00",
             "push_to": "07:00", "country": "FR", "legal_hours": "yes", "stop_fr": "STOP au 36111",
             "sms_cost": "0,065"}  # fmt: skip
    assert visitor.post("/manners/settings", data=given).status_code == 303
    with database.read() as connection:
        after = documents.workspace(connection)
    assert (after.name, after.time_zone, after.currency) == (before.name, before.time_zone, "CHF")
    assert set(after.quiet_hours) == {"sms", "push"}
    assert (after.country, str(after.sms_cost), after.sms_stop) == (
        "FR",
        "0.065",
        {"fr": "STOP au 36111"},
    )
    assert after.legal_hours
    assert not after.track_links

    answer = visitor.post(
        "/manners/settings", data={**given, "email_from": "20:00", "country": "Q"}
    )
    assert answer.status_code == 422
    assert "Write both times" in answer.text
    assert "Choose a country" in answer.text
    with database.read() as connection:
        assert documents.workspace(connection) == after
    database.close()


def test_each_number_leads_to_as_many_messages(visitor: Any) -> None:
    page = visitor.get("/manners").text
    numbers = re.findall(r'<a href="(/messages\?[^"]+)"[^>]*>(\d+)</a>', page)
    assert numbers
    for address, count in numbers:
        listed = visitor.get(unescape(address)).text
        assert listed.count('<tr class="opens">') == int(count), address


def test_messages_are_found_by_their_filters(visitor: Any, shop_url: str) -> None:
    database, message = Database(shop_url), tables.message.c
    with database.read() as connection:
        capped = connection.execute(
            select(func.count()).where(message.reason == "cap", message.journey_id == "welcome")
        ).scalar_one()
    database.close()
    page = unescape(visitor.get("/messages?journey=welcome&reason=cap&rule=three-a-week").text)
    assert page.count('<tr class="opens">') == capped > 0
    assert page.count("Not sent: the rule “3 a week” is full") == capped
    assert "No message matches" in visitor.get("/messages?from=2031-01-01").text
    assert "No message matches" in visitor.get("/messages?q=nobody-of-that-name").text
    assert "No message matches" in visitor.get(f"/messages?customer={uuid4()}").text
    assert "Write a day like" in visitor.get("/messages?from=soon").text
    hers = visitor.get("/messages?q=anna").text
    assert set(re.findall(r'class="over"[^>]*>([^<]+)<', hers)) == {"Anna Meier"}


def test_a_long_list_goes_on(visitor: Any) -> None:
    seen: list[str] = []
    address = "/messages"
    while address:
        page = visitor.get(address).text
        seen += re.findall(r'class="name" href="/messages/([^"]+)"', page)
        found = re.search(r'href="(/messages\?cursor=[^"]+)"', page)
        address = unescape(found[1]) if found else ""
    assert len(seen) == len(set(seen)) > 50


def test_a_message_that_is_not_there(visitor: Any) -> None:
    assert visitor.get(f"/messages/{uuid4()}").status_code == 404
    assert visitor.get(f"/messages/{uuid4()}/body").status_code == 404


def test_a_messages_html_can_do_nothing(visitor: Any) -> None:
    page = visitor.get("/messages?result=sent&channel=email").text
    address = re.findall(r'class="name" href="([^"]+)"', page)[0]
    shown = visitor.get(address).text
    assert f'sandbox="" src="{address}/body"' in shown
    policy = visitor.get(f"{address}/body").headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy


def test_a_customers_page_tells_what_she_wants(visitor: Any, shop_url: str) -> None:
    database, customer = Database(shop_url), tables.customer.c
    with database.read() as connection:
        id_ = connection.execute(
            select(customer.id).where(customer.suppressed != {}).limit(1)
        ).scalar()
    database.close()
    page = " ".join(unescape(visitor.get(f"/customers/{id_}").text).split())
    assert "any more: messages came back" in page
    assert "Offers and sales by Email: wants it" in page
    assert "in a form of the shop · checkout · version 2026-01 of the text" in page
    assert "News by Email: has yet to confirm it" in page
