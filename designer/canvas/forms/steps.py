"""The forms of the steps: a document to a form's fields, and back.

Adding a kind of step is a pair of functions here and a template in `templates/canvas/forms`. The
steps within an arm stay with it: a row remembers as `was` which arm it shows.
"""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from copy import deepcopy
from typing import Any, Final

from designer.canvas.forms.conditions import condition_of, group_of
from designer.canvas.forms.raw import (
    Raw,
    length,
    length_raw,
    lines,
    pairs,
    part,
    rows,
    scalar,
    scalar_raw,
    text,
    whole,
    without_empty,
)
from engine.model.editing import fresh_id

Document = dict[str, Any]

ENVELOPE: Final = ("subject", "preheader", "template", "channel", "from")
"""What a variant may replace; everything else it sets is a variable of the template."""


def raw_of(step: Document) -> Raw:
    """Return what a step's form shows."""
    show, _ = _FORMS[step["type"]]
    return {"name": step.get("name", ""), "note": step.get("note", ""), **show(step)}


def document_of(step: Document, raw: Raw) -> Document:
    """Return the step as its form says; what the form does not show stays as it is."""
    _, make = _FORMS[step["type"]]
    made = without_empty({"name": text(raw, "name"), "note": text(raw, "note")})
    return {"id": step["id"], "type": step["type"], **made, **make(deepcopy(step), raw)}


def has_form(kind: str) -> bool:
    """Whether there is a form for this type of step."""
    return kind in _FORMS


# Sending


def _send(step: Document) -> Raw:
    channels = step["channel"] if isinstance(step["channel"], list) else [step["channel"]]
    at = step.get("at", "now")
    opens, _, closes = (
        at["window"].partition("-") if isinstance(at, dict) else ("09:00", "", "20:00")
    )
    return {
        "channel": channels,
        **{key: step.get(key, "") for key in ("template", "subject", "preheader", "from", "topic",
                                              "offer", "on_full")},
        "class": step.get("class", "marketing"),
        "at": "window" if isinstance(at, dict) else at,
        "opens": opens,
        "closes": closes,
        "variants": [_variant(one) for one in step.get("variants", [])],
    }  # fmt: skip


def _variant(variant: Document) -> Raw:
    own = variant.get("set", {})
    others = {key: scalar_raw(value) for key, value in own.items() if key not in {*ENVELOPE, "at"}}
    return {
        "id": variant["id"],
        "weight": str(variant["weight"]),
        **{key: own.get(key, "") for key in ENVELOPE},
        "variables": lines(others, " ="),
        "at": _moment(own["at"]) if "at" in own else "",
    }


def _moment(at: Any) -> str:
    return str(at["window"]) if isinstance(at, dict) else str(at)


def _send_of(step: Document, raw: Raw) -> Document:
    channels = [one for one in dict.fromkeys(raw.get("channel") or []) if one]
    at: Any = text(raw, "at")
    if at == "window":
        at = {"window": f"{text(raw, 'opens')}-{text(raw, 'closes')}"}
    class_ = text(raw, "class")
    return without_empty(
        {
            "channel": channels[0] if len(channels) == 1 else channels,
            "template": text(raw, "template"),
            "class": class_ if class_ != "marketing" else None,
            **{key: text(raw, key) for key in ("topic", "subject", "preheader", "from")},
            "variants": [_variant_of(one) for one in rows(raw.get("variants"))],
            "offer": text(raw, "offer"),
            "at": at if at != "now" else None,
            "on_full": text(raw, "on_full"),
        }
    ) | ({} if channels else {"channel": []})


def _variant_of(row: Raw) -> Document:
    own: Document = without_empty({key: text(row, key) for key in ENVELOPE})
    if at := text(row, "at"):
        own["at"] = {"window": at} if "-" in at else at
    own |= {key: scalar(value) for key, value in pairs(text(row, "variables"), "=").items()}
    made: Document = {"id": text(row, "id"), "weight": whole(text(row, "weight"))}
    return made | ({"set": own} if own else {})


# Waiting


def _wait(step: Document) -> Raw:
    until = step.get("until") or {}
    mode = "for"
    if until:
        mode = next(key for key in ("trait", "property", "time") if key in until)
    return {
        "mode": mode,
        "for": length_raw(step.get("for")),
        "time": until.get("time", "") if mode == "time" else "10:00",
        "days": list(until.get("days", [])),
        "trait": until.get("trait", ""),
        "property": until.get("property", ""),
        "offset": length_raw(until.get("offset")),
        "at": until.get("time", "") if mode in {"trait", "property"} else "",
        "yearly": "yes" if until.get("yearly") else "",
    }


def _wait_of(step: Document, raw: Raw) -> Document:
    mode = text(raw, "mode")
    match mode:
        case "time":
            return {
                "until": {"time": text(raw, "time"), **without_empty({"days": raw.get("days")})}
            }
        case "trait" | "property":
            more: Document = {"offset": length(part(raw, "offset")), "time": text(raw, "at")}
            if mode == "trait" and text(raw, "yearly"):
                more["yearly"] = True
            return {"until": {mode: text(raw, mode), **without_empty(more)}}
        case _:
            return {"for": length(part(raw, "for")) or ""}


def _wait_for(step: Document) -> Raw:
    return {
        "timeout": length_raw(step["timeout"]),
        "since": step.get("since", ""),
        "events": [{**match_raw(one["on"]), "was": str(n)} for n, one in enumerate(step["events"])],
    }


def _wait_for_of(step: Document, raw: Raw) -> Document:
    events = []
    for row in rows(raw.get("events")):
        made: Document = {"on": match_of(row)}
        if then := _then(step["events"], row):
            made["then"] = then
        events.append(made)
    since = without_empty({"since": text(raw, "since")})
    timeout = length(part(raw, "timeout")) or ""
    return {**since, "timeout": timeout, "events": events, **_kept(step, "else")}


def match_raw(match: Document) -> Raw:
    """Return the fields of an event that something waits for."""
    return {
        "event": match.get("event", ""),
        "message": match.get("message", ""),
        "where": group_of(match.get("where")),
    }


def match_of(row: Raw) -> Document:
    """Return the event that these fields name."""
    more = {"where": condition_of(part(row, "where")), "message": text(row, "message")}
    return {"event": text(row, "event"), **without_empty(more)}


# Ways


def _then(arms: list[Document], row: Raw) -> list[Document]:
    was = text(row, "was")
    known = was.isdigit() and int(was) < len(arms)
    return list(arms[int(was)].get("then", [])) if known else []


def _kept(step: Document, key: str) -> Document:
    return {key: step[key]} if key in step else {}


def _branch(step: Document) -> Raw:
    arms = [
        {"id": arm["id"], "label": arm.get("label", ""), "if": group_of(arm["if"]), "was": str(n)}
        for n, arm in enumerate(step["arms"])
    ]
    return {"arms": arms}


def _branch_of(step: Document, raw: Raw) -> Document:
    def own(row: Raw) -> Document:
        return {"if": condition_of(part(row, "if")) or {}}

    return {"arms": _arms(step, raw, own), **_kept(step, "else")}


def _split(step: Document) -> Raw:
    arms = [
        {"id": arm["id"], "label": arm.get("label", ""), "weight": str(arm["weight"]),
         "was": str(n)}
        for n, arm in enumerate(step["arms"])
    ]  # fmt: skip
    return {"arms": arms}


def _split_of(step: Document, raw: Raw) -> Document:
    return {"arms": _arms(step, raw, lambda row: {"weight": whole(text(row, "weight"))})}


def _arms(step: Document, raw: Raw, own: Callable[[Raw], Document]) -> list[Document]:
    taken = {text(row, "id") for row in rows(raw.get("arms"))} | {"else"}
    made = []
    for row in rows(raw.get("arms")):
        id_ = text(row, "id") or fresh_id(taken, "way-1")
        taken.add(id_)
        arm = {"id": id_, **without_empty({"label": text(row, "label")}), **own(row)}
        then = _then(step["arms"], row)
        made.append({**arm, **({"then": then} if then else {})})
    return made


# Doing, and leaving


def _webhook(step: Document) -> Raw:
    body = step.get("body", "")
    return {
        "method": step.get("method", "POST"),
        "url": step["url"],
        "headers": lines(step.get("headers", {}), ":"),
        "body": body if isinstance(body, str) else _json(body),
        "keep": lines(step.get("keep", {}), " ="),
        "timeout": length_raw(step.get("timeout", "10s")),
        "retry_for": length_raw(step.get("retry_for", "1d")),
    }


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _webhook_of(step: Document, raw: Raw) -> Document:
    body: Any = text(raw, "body")
    if body[:1] in {"{", "["}:
        with suppress(ValueError):  # a text may only look like JSON
            body = json.loads(body)
    method = text(raw, "method")
    return without_empty(
        {
            "method": method if method != "POST" else None,
            "url": text(raw, "url"),
            "headers": pairs(text(raw, "headers"), ":"),
            "body": body,
            "keep": pairs(text(raw, "keep"), "="),
            "timeout": _unless(length(part(raw, "timeout")), "10s"),
            "retry_for": _unless(length(part(raw, "retry_for")), "1d"),
            **_kept(step, "on_error"),
        }
    ) | ({} if text(raw, "url") else {"url": ""})


def _unless(value: str | None, default: str) -> str | None:
    return None if value == default else value


def _exit(step: Document) -> Raw:
    return {"reason": step.get("reason", "")}


def _exit_of(step: Document, raw: Raw) -> Document:
    return without_empty({"reason": text(raw, "reason")})


# Repeating, changing the customer, starting other journeys


def _repeat(step: Document) -> Raw:
    return {"times": str(step["times"]), "until": group_of(step.get("until"))}


def _repeat_of(step: Document, raw: Raw) -> Document:
    until = without_empty({"until": condition_of(part(raw, "until"))})
    return {"times": whole(text(raw, "times")), **until, **_kept(step, "steps")}


def _given(values: Mapping[str, Any]) -> list[Raw]:
    return [{"name": name, **_value_raw(value)} for name, value in values.items()]


def _value_raw(value: Any) -> Raw:
    match value:
        case {"property": name}:
            return {"how": "property", "value": str(name)}
        case None:
            return {"how": "forget", "value": ""}
        case _:
            return {"how": "value", "value": scalar_raw(value)}


def _given_of(raw: Any) -> Document:
    made: Document = {}
    for row in rows(raw):
        value = text(row, "value")
        known = {"property": {"property": value}, "forget": None}
        how = text(row, "how")
        made[text(row, "name")] = known[how] if how in known else scalar(value)
    return made


def _update(step: Document) -> Raw:
    channel = step.get("channel", [])
    return {
        "set": _given(step.get("set", {})),
        "subscribe": list(step.get("subscribe", [])),
        "unsubscribe": list(step.get("unsubscribe", [])),
        "on": channel if isinstance(channel, list) else [channel],
    }


def _update_of(step: Document, raw: Raw) -> Document:
    channels = raw.get("on") or []
    return without_empty(
        {
            "set": _given_of(raw.get("set")),
            "subscribe": raw.get("subscribe"),
            "unsubscribe": raw.get("unsubscribe"),
            "channel": channels[0] if len(channels) == 1 else channels,
        }
    )


def _enter(step: Document) -> Raw:
    return {"journey": step["journey"], "properties": _given(step.get("properties", {}))}


def _enter_of(step: Document, raw: Raw) -> Document:
    properties = without_empty({"properties": _given_of(raw.get("properties"))})
    return {"journey": text(raw, "journey"), **properties}


def _activity(step: Document) -> Raw:
    return {
        "parameters": {
            name: value if isinstance(value, str) else _json(value)
            for name, value in step.get("parameters", {}).items()
        },
        "timeout": length_raw(step.get("timeout")),
        "retry_for": length_raw(step.get("retry_for")),
    }


def _activity_of(step: Document, raw: Raw) -> Document:
    """Return the step; a parameter is a text, or what it means as JSON where that is no text."""
    parameters = {}
    for name, value in part(raw, "parameters").items():
        if not isinstance(value, str) or not value:
            continue
        parameters[name] = value
        with suppress(ValueError):
            meant = json.loads(value)
            old = step.get("parameters", {}).get(name)
            parameters[name] = value if isinstance(old, str) and old == value else meant
    return without_empty(
        {
            "activity": step["activity"],
            "parameters": parameters,
            "queue": step.get("queue"),
            "timeout": length(part(raw, "timeout")),
            "retry_for": length(part(raw, "retry_for")),
            **_kept(step, "on_error"),
        }
    )


_FORMS: Final[
    Mapping[str, tuple[Callable[[Document], Raw], Callable[[Document, Raw], Document]]]
] = {
    "send": (_send, _send_of),
    "wait": (_wait, _wait_of),
    "wait_for": (_wait_for, _wait_for_of),
    "branch": (_branch, _branch_of),
    "split": (_split, _split_of),
    "repeat": (_repeat, _repeat_of),
    "update": (_update, _update_of),
    "webhook": (_webhook, _webhook_of),
    "activity": (_activity, _activity_of),
    "enter": (_enter, _enter_of),
    "exit": (_exit, _exit_of),
}
