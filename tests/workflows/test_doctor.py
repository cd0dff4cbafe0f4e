"""What `parcours doctor` says of a database, of Temporal and of its workers."""

import asyncio

from engine.names import CALL_QUEUE, RUNS_QUEUE
from engine.settings import Settings
from parcours.doctor import database, temporal
from tests.workflows.conftest import open_shop


def _temporal(address: str, **more: str) -> dict[str, str]:
    settings = Settings.load(_env_file=None, temporal_address=address, **more)
    return {finding.about: finding.state for finding in temporal.look(settings)}


def test_where_everything_runs(database_url: str, temporal_address: str) -> None:
    async def story() -> None:
        async with open_shop(database_url, temporal_address) as shop:
            # Temporal knows a worker once it has asked for work.
            await shop.until(lambda: set(_temporal(temporal_address).values()) == {"well"})
            found = await asyncio.to_thread(_temporal, temporal_address)
            assert {f"worker of {queue}" for queue in (RUNS_QUEUE, CALL_QUEUE)} <= found.keys()

    asyncio.run(story())
    found = {finding.about: finding.state for finding in database.look(database_url)}
    assert set(found) == {"database", "schema", "clock", "record of changes"}
    assert set(found.values()) == {"well"}


def test_what_is_not_there(temporal_address: str, postgres_url: str) -> None:
    found = _temporal(temporal_address, temporal_namespace="nowhere")
    assert found == {"temporal": "well", "namespace": "wrong"}
    assert _temporal("127.0.0.1:1") == {"temporal": "wrong"}
    told = list(database.look("postgresql+psycopg://x:s3cret@127.0.0.1:1/none"))
    assert [(one.about, one.state) for one in told] == [("database", "wrong")]
    assert "s3cret" not in str(told)
    empty = {finding.about: finding.state for finding in database.look(postgres_url)}
    assert empty["schema"] == "wrong"
