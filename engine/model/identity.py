"""Names by which a customer is known, and how much each says about who she is."""

from typing import Final

EXTERNAL_ID: Final = "external_id"
"""The shop's own number of a customer: `userId` in Segment's calls."""

ANONYMOUS_ID: Final = "anonymous_id"
"""A browser's or an app's id of somebody who has not said who she is."""

STRONG: Final = frozenset({EXTERNAL_ID, "loyalty_card"})
"""Namespaces that belong to one person. In any other, such as a phone or a device, people share."""

RESERVED: Final = frozenset({EXTERNAL_ID, "user_id", ANONYMOUS_ID})
"""Types of `context.externalIds` that a call tells by `userId` and `anonymousId` alone."""

LONGEST: Final = 500
"""The longest value of an identity, in characters: it lives in an index."""

LONGEST_NAMESPACE: Final = 63
