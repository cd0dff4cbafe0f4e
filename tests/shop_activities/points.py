"""Activities as a shop's developer writes them; what they do is kept in `DONE`."""

import time

from pydantic import BaseModel, Field

from activities import Call, Customer, GiveUp, activity

DONE: list[tuple[str, str, int]] = []
"""Key, customer and points of each attempt."""


class AddPoints(BaseModel):
    points: int = Field(title="Points", description="How many to add", ge=1, le=1000)
    note: str = ""


class Balance(BaseModel):
    balance: int
    tier: str = "silver"


@activity(title="Add points", icon="gift", timeout="2s", retry_for="1d")
def add_points(parameters: AddPoints, customer: Customer, call: Call) -> Balance:
    """Add points to the customer's account."""
    DONE.append((str(call.key), str(customer.external_id), parameters.points))
    attempts = sum(key == str(call.key) for key, _, _ in DONE)
    match parameters.note:
        case "flaky" if attempts == 1:
            raise ConnectionError("the till of ada@example.com is away")
        case "never":
            raise ConnectionError("the till of ada@example.com is away")
        case "give up":
            raise GiveUp("this customer has no account")
        case "slow":
            time.sleep(0.2)
    return Balance(balance=100 + parameters.points)


@activity(name="greet", queue="parcours-greetings")
async def say_hello(customer: Customer) -> None:
    DONE.append(("greet", str(customer.external_id), 0))
