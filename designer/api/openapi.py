"""The OpenAPI document: what lies under `/v1`, with the schemas of its documents."""

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from designer.api import segment
from designer.api.starts import Start
from engine.model.activity import ActivityType
from engine.model.base import CHANNELS
from engine.model.cap import Cap
from engine.model.coupon import Codes, CouponPool
from engine.model.hook import Hook
from engine.model.journey import Journey
from engine.model.order import GiftCard, Order, Refund, Return
from engine.model.product import Product, Shop, Stock
from engine.model.segment import Segment
from engine.model.snippet import Snippet
from engine.model.template import Template
from engine.model.topic import Topic
from engine.model.trait import EventTrait, JoinedTrait, QuantileTrait, Score
from engine.model.workspace import Workspace

_INSTANT: Final = {"type": "string", "format": "date-time"}
_OBJECT: Final = {"type": "object", "additionalProperties": True}
_TEXT: Final = {"type": "string"}

_CALL: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "type": {"enum": ["track", "identify", "page", "screen", "alias", "group"]},
        "userId": _TEXT,
        "anonymousId": _TEXT,
        "previousId": _TEXT,
        "groupId": _TEXT,
        "messageId": {**_TEXT, "description": "the same one from the same source counts once"},
        "event": {**_TEXT, "maxLength": 200},
        "name": _TEXT,
        "category": _TEXT,
        "properties": _OBJECT,
        "traits": _OBJECT,
        "context": _OBJECT,
        "timestamp": _INSTANT,
        "sentAt": _INSTANT,
        "writeKey": _TEXT,
    },
}


def _batch(key: str, schema: str) -> dict[str, Any]:
    items = {"$ref": f"#/components/schemas/{schema}"}
    return {
        "type": "object",
        "required": [key],
        "properties": {key: {"type": "array", "maxItems": 1000, "items": items}},
        "additionalProperties": False,
    }


_SCHEMAS: Final[dict[str, Any]] = {
    "Call": _CALL,
    "Batch": {
        "type": "object",
        "required": ["batch"],
        "properties": {
            "batch": {
                "type": "array",
                "maxItems": 2500,
                "items": {"$ref": "#/components/schemas/Call"},
            },
            "context": _OBJECT,
            "sentAt": _INSTANT,
            "writeKey": _TEXT,
        },
    },
    "Customer": {
        "type": "object",
        "properties": {
            "identities": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["namespace", "value"],
                    "properties": {"namespace": _TEXT, "value": _TEXT},
                },
            },
            "traits": _OBJECT,
            "addresses": {
                "type": "object",
                "properties": {
                    "email": {"type": "string", "format": "email"},
                    "phone": {**_TEXT, "description": "with its country, like +41446681800"},
                    "push": {"type": "array", "items": _TEXT},
                },
            },
            "locale": {"type": ["string", "null"]},
            "time_zone": {"type": ["string", "null"]},
            "segments": {
                "type": "array",
                "items": _TEXT,
                "readOnly": True,
                "description": "the ids of the segments that she is in",
            },
            "subscriptions": {
                "type": "array",
                "description": "what she has said; what is left out stays",
                "items": {
                    "type": "object",
                    "required": ["topic", "channel", "state"],
                    "properties": {
                        "topic": {**_TEXT, "description": "`*`: all that she has not named"},
                        "channel": {"enum": list(CHANNELS)},
                        "state": {"enum": ["subscribed", "unsubscribed", "pending"]},
                    },
                },
            },
        },
    },
    "Trait": {
        "description": "either of a customer's events, or made of other computed traits",
        "oneOf": [
            {"$ref": f"#/components/schemas/{name}"}
            for name in ("EventTrait", "QuantileTrait", "JoinedTrait")
        ],
    },
    "SegmentRead": {
        "allOf": [
            {"$ref": "#/components/schemas/Segment"},
            {
                "type": "object",
                "properties": {
                    "size": {"type": "integer", "description": "how many customers are in it"},
                    "state": {
                        "enum": ["ready", "building"],
                        "description": "building: everybody is being looked at anew",
                    },
                },
            },
        ],
    },
    "Segments": {
        "type": "object",
        "properties": {
            "items": {"type": "array", "items": {"$ref": "#/components/schemas/SegmentRead"}},
            "next": {"type": ["string", "null"]},
        },
    },
    "Members": {
        "type": "object",
        "properties": {
            "items": {
                "type": "array",
                "items": {
                    "allOf": [
                        {"$ref": "#/components/schemas/Customer"},
                        {
                            "type": "object",
                            "properties": {
                                "id": _TEXT,
                                "segments": {"type": "array", "items": _TEXT},
                                "since": {**_INSTANT, "description": "when she entered"},
                                "next_change_at": {
                                    "type": ["string", "null"],
                                    "format": "date-time",
                                    "description": "when time alone may take her out",
                                },
                            },
                        },
                    ],
                },
            },
            "next": {"type": ["string", "null"]},
        },
    },
    "Entry": {
        "type": "object",
        "required": ["customer"],
        "properties": {
            "customer": {**_TEXT, "description": "`external_id:42`, `email:…` or internal id"},
            "key": {**_TEXT, "description": "what the entry is about, for re-entry per key"},
            "properties": _OBJECT,
            "messageId": {**_TEXT, "description": "the same one counts once"},
        },
    },
    "ActivityCall": {
        "type": "object",
        "properties": {
            "id": {**_TEXT, "description": "what the activity was given"},
            "activity": _TEXT,
            "key": {**_TEXT, "format": "uuid", "description": "the same for every attempt"},
            "journey": _TEXT,
            "step": _TEXT,
            "until": {**_INSTANT, "description": "after this it is not tried again"},
            "parameters": {**_OBJECT, "description": "rendered, as the activity's schema says"},
            "customer": {
                "type": "object",
                "properties": {
                    "id": _TEXT,
                    "external_id": {"type": ["string", "null"]},
                    "traits": _OBJECT,
                    "addresses": _OBJECT,
                    "locale": {"type": ["string", "null"]},
                    "time_zone": {"type": ["string", "null"]},
                },
            },
        },
    },
    "ActivityOutcome": {
        "description": "either `result`, or an `error`: then it is not tried again",
        "type": "object",
        "properties": {
            "result": {**_OBJECT, "description": "as the activity's schema says, 32 KB at most"},
            "error": {**_TEXT, "description": "a sentence for the shop's people"},
        },
        "oneOf": [{"required": ["result"]}, {"required": ["error"]}],
        "additionalProperties": False,
    },
    "ProductBatch": _batch("products", "Product"),
    "StockBatch": _batch("stock", "Stock"),
    "OrderBatch": _batch("orders", "Order"),
    "Problem": {
        "type": "object",
        "properties": {
            "type": _TEXT,
            "title": _TEXT,
            "status": {"type": "integer"},
            "detail": _TEXT,
            "problems": {"type": "array", "items": _OBJECT},
        },
    },
}

_BODIES: Final = {
    ("/v1/batch", "post"): "Batch",
    **{(segment.path_of(kind), "post"): "Call" for kind in segment.SUMMARIES if kind},
    ("/v1/customers/{customer}", "put"): "Customer",
    ("/v1/journeys/{journey}", "put"): "Journey",
    ("/v1/journeys/{journey}/entries", "post"): "Entry",
    ("/v1/journeys/{journey}/starts", "post"): "Start",
    ("/v1/segments/{segment}", "put"): "Segment",
    ("/v1/templates/{template}", "put"): "Template",
    ("/v1/caps/{cap}", "put"): "Cap",
    ("/v1/webhooks/{webhook}", "put"): "Hook",
    ("/v1/snippets/{snippet}", "put"): "Snippet",
    ("/v1/coupons/{pool}", "put"): "CouponPool",
    ("/v1/coupons/{pool}/codes", "post"): "Codes",
    ("/v1/topics/{topic}", "put"): "Topic",
    ("/v1/traits/{trait}", "put"): "Trait",
    ("/v1/scores/{score}", "put"): "Score",
    ("/v1/workspace", "put"): "Workspace",
    ("/v1/activities/{activity}", "put"): "ActivityType",
    ("/v1/calls/{call}", "post"): "ActivityOutcome",
    ("/v1/products/{sku}", "put"): "Product",
    ("/v1/products/batch", "post"): "ProductBatch",
    ("/v1/shops/{shop}", "put"): "Shop",
    ("/v1/stock/{sku}/{shop}", "put"): "Stock",
    ("/v1/stock/batch", "post"): "StockBatch",
    ("/v1/orders/{order}", "put"): "Order",
    ("/v1/orders/batch", "post"): "OrderBatch",
    ("/v1/orders/{order}/refunds", "post"): "Refund",
    ("/v1/orders/{order}/returns", "post"): "Return",
    ("/v1/gift-cards/{card}", "put"): "GiftCard",
}

_ANSWERS: Final = {
    ("/v1/calls/{call}", "get"): "ActivityCall",
    ("/v1/segments", "get"): "Segments",
    ("/v1/segments/{segment}", "get"): "SegmentRead",
    ("/v1/segments/{segment}", "put"): "SegmentRead",
    ("/v1/segments/{segment}/customers", "get"): "Members",
    ("/v1/customers/{customer}", "get"): "Customer",
}

_MODELS: Final = (
    Journey, Segment, Template, Snippet, CouponPool, Codes, Cap, Topic, Hook, Workspace,
    ActivityType, Start, Product, Shop, Stock, Order, Refund, Return, GiftCard,
    EventTrait, QuantileTrait, JoinedTrait, Score,
)  # fmt: skip


def document(app: FastAPI) -> dict[str, Any]:
    """Return the document; it is made once."""
    if app.openapi_schema is None:
        app.openapi_schema = _made(app)
    return app.openapi_schema


def _made(app: FastAPI) -> dict[str, Any]:
    whole = get_openapi(
        title="Parcours",
        version=app.version,
        description="Customers, journeys, what they are made from, and what was sent.",
        routes=app.routes,
    )
    paths = _calls() | {
        path: item for path, item in whole["paths"].items() if path.startswith("/v1/")
    }
    for path, item in paths.items():
        for method, operation in item.items():
            _complete(path, method, operation)
    _, models = models_json_schema(
        [(model, "validation") for model in _MODELS],
        ref_template="#/components/schemas/{model}",
    )
    return {
        **whole,
        "paths": paths,
        "components": {
            "schemas": {**models["$defs"], **_SCHEMAS},
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "description": "an API key"},
                "writeKey": {
                    "type": "http",
                    "scheme": "basic",
                    "description": "a key of the role source as user name, no password",
                },
            },
        },
    }


def _calls() -> dict[str, Any]:
    """Describe Segment's calls, which are plain routes."""
    return {
        segment.path_of(kind): {
            "post": {
                "tags": ["events"],
                "summary": summary,
                "description": f"{description} 200 means that it is stored for good.",
                "operationId": f"send_{kind or 'batch'}",
                "responses": {"200": {"description": "Stored"}},
            }
        }
        for kind, (summary, description) in segment.SUMMARIES.items()
    }


def _complete(path: str, method: str, operation: dict[str, Any]) -> None:
    """Add to an operation what its function's signature cannot tell."""
    body = _BODIES.get((path, method))
    is_call = body in {"Call", "Batch"}
    operation["security"] = [{"writeKey": []}] if is_call else [{"key": []}]
    operation["responses"].pop("422", None)
    if (answer := _ANSWERS.get((path, method))) is not None:
        schema = {"schema": {"$ref": f"#/components/schemas/{answer}"}}
        operation["responses"]["200"]["content"] = {"application/json": schema}
    operation["responses"]["default"] = {
        "description": "What went wrong",
        "content": {
            "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
        },
    }
    if body is not None:
        schema = {"schema": {"$ref": f"#/components/schemas/{body}"}}
        content = {"application/json": schema}
        if body == "Journey":
            content["application/yaml"] = schema
        operation["requestBody"] = {"required": True, "content": content}
