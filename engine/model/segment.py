"""A named rule that says which customers are meant."""

from engine.model.base import Frozen, Name, Slug
from engine.model.condition import Condition


class Segment(Frozen):
    """Customers for whom the rule holds."""

    id: Slug
    name: Name
    rule: Condition
