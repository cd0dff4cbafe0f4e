"""The tables: rows, never domain types.

Hot tables lead their key with `customer_id`, so that a distributed PostgreSQL can spread them.
"""

from typing import Any

from sqlalchemy import BindParameter, Table, bindparam

from engine.store.tables import (
    access,
    customers,
    identities,
    imports,
    journeys,
    messages,
    segments,
    setup,
    shop,
    timed,
    traits,
)
from engine.store.tables.columns import metadata as metadata

ROWS = (
    access,
    customers,
    identities,
    imports,
    journeys,
    messages,
    segments,
    setup,
    shop,
    timed,
    traits,
)
"""The modules that tell the metadata of their tables."""


def _table(name: str) -> Table:
    return metadata.tables[name]


workspace = _table("workspace")
customer = _table("customer")
identity = _table("identity")
merge = _table("merge")
suggestion = _table("suggestion")
duplicate_pass = _table("duplicate_pass")
event_key = _table("event_key")
event = _table("event")
journey = _table("journey")
journey_edit = _table("journey_edit")
journey_version = _table("journey_version")
segment = _table("segment")
segment_size = _table("segment_size")
membership = _table("membership")
membership_stage = _table("membership_stage")
threshold = _table("threshold")
trait = _table("trait")
score = _table("score")
customer_rollup = _table("customer_rollup")
trait_stale = _table("trait_stale")
trait_build = _table("trait_build")
cap = _table("cap")
template = _table("template")
topic = _table("topic")
snippet = _table("snippet")
coupon_pool = _table("coupon_pool")
coupon_code = _table("coupon_code")
consent = _table("consent")
suppression = _table("suppression")
activity_type = _table("activity_type")
import_job = _table("import_job")
hook = _table("hook")
hook_delivery = _table("hook_delivery")
api_key = _table("api_key")
app_user = _table("app_user")
session = _table("session")
login_attempt = _table("login_attempt")
audit = _table("audit")
run = _table("run")
run_input = _table("run_input")
run_trace = _table("run_trace")
intervention = _table("intervention")
intervention_run = _table("intervention_run")
entry_refusal = _table("entry_refusal")
message = _table("message")
message_transition = _table("message_transition")
wake = _table("wake")
start = _table("start")
timed_journey = _table("timed_journey")
upcoming = _table("upcoming")
product = _table("product")
place = _table("shop")
stock = _table("stock")
purchase = _table("purchase")
purchase_reversal = _table("purchase_reversal")
gift_card = _table("gift_card")
product_interest = _table("product_interest")
product_change = _table("product_change")
product_telling = _table("product_telling")


def bound(name: str) -> BindParameter[Any]:
    """Return a parameter of a statement that is built once and executed often."""
    return bindparam(name)
