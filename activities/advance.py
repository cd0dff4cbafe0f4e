"""The local activity that asks the database how a run goes on."""

from uuid import UUID

from temporalio import activity

from activities.contracts import ADVANCE, AdvanceRequest, Answer
from engine.flow.advance import advance
from engine.store.session import Database


class Advance:
    """Answers a run's workflow."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @activity.defn(name=ADVANCE, no_thread_cancel_exception=True)
    def advance(self, request: AdvanceRequest) -> Answer:
        """Return the run's current command, deciding first that a wait is over when it is."""
        return advance(self._database, UUID(request.run), request.revision, request.cause)
