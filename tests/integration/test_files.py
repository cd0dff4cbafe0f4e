"""Journeys go into the database and come out as the same bytes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import journeys as library
from engine.flow import materials
from engine.flow.history import Profile, add_customers
from engine.flow.publish import publish, save_journey
from engine.model.actor import COMMAND_LINE
from engine.model.document import dump_journey, parse_journey
from engine.store import definitions
from engine.store import documents as stored
from engine.store.session import Database
from parcours import documents
from tests.journeys import journeys

LIBRARY = Path(__file__).parents[2] / "journeys"


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An empty shop."""
    opened = Database(database_url)
    yield opened
    opened.close()


def there_and_back(database: Database, journey_id: str, file: Path) -> tuple[str, str]:
    """Pull a journey to a file, push that, and pull again."""
    first = documents.pull(database, journey_id)
    file.write_text(first, encoding="utf-8")
    journey, text = documents.read(file)
    documents.push(database, file, journey, text)
    return first, documents.pull(database, journey_id)


@pytest.mark.parametrize("path", sorted(LIBRARY.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_library_comes_out_as_it_went_in(
    database: Database, path: Path, tmp_path: Path
) -> None:
    journey, text = documents.read(path)
    documents.push(database, path, journey, text)
    first, again = there_and_back(database, journey.id, tmp_path / "j.yaml")
    assert first == again == path.read_text(encoding="utf-8")
    # It has brought whatever publishing asks for.
    assert publish(database, journey.id, actor=COMMAND_LINE) == 1


def test_a_journey_brings_the_segments_beside_it_that_it_asks_for(database: Database) -> None:
    file = LIBRARY / "win-back.yaml"
    journey, text = documents.read(file)
    assert documents.push(database, file, journey, text).brought.segments == ["dormant"]
    again = documents.push(database, file, journey, text).brought
    assert (again.segments, again.kept_segments) == ([], [])
    with database.read() as connection:
        assert stored.segments(connection).keys() == {"dormant"}
    mine = library.segments()["lost"].taken("en").model_copy(update={"id": "dormant"})
    materials.put_segment(database, mine, actor=COMMAND_LINE)
    changed = documents.push(database, file, journey, text).brought
    assert (changed.segments, changed.kept_segments) == ([], ["dormant"])
    with database.read() as connection:
        assert stored.segments(connection)["dormant"] == mine


def test_what_its_segments_stand_on_is_computed_from_then_on(database: Database) -> None:
    file = LIBRARY / "replenishment.yaml"
    journey, text = documents.read(file)
    brought = documents.push(database, file, journey, text).brought
    assert brought.traits == ["orders_count", "last_order_at", "usual_interval"]
    with database.read() as connection:
        assert {*brought.traits} == definitions.traits(connection).keys()
    assert documents.push(database, file, journey, text).brought.traits == []


def test_what_the_shop_tells_itself_is_not_hidden_by_a_computed_trait(database: Database) -> None:
    told = Profile(identities=(("external_id", "1"),), traits={"spend_1y": 900})
    add_customers(database, [told])
    file = LIBRARY / "vip.yaml"
    journey, text = documents.read(file)
    brought = documents.push(database, file, journey, text).brought
    assert (brought.segments, brought.traits) == (["vip"], [])


def test_a_segment_comes_after_those_that_it_stands_on(database: Database, tmp_path: Path) -> None:
    beside = tmp_path / "segments"
    beside.mkdir()
    texts = {
        "a-best": "{all: [{segment: z-good}, {trait: tier, eq: gold}]}",
        "z-good": "{event: Order Completed}",
        "unasked": "{event: Ping}",
    }
    for name, rule in texts.items():
        (beside / f"{name}.yaml").write_text(f"id: {name}\nname: {name}\nrule: {rule}\n")
    file = tmp_path / "best.yaml"
    file.write_text(
        "id: best\nname: Best\nentry: {on: {segment_entered: a-best}}\n"
        "steps: [{id: a, type: wait, for: 1d}]\n"
    )
    journey, text = documents.read(file)
    pushed = documents.push(database, file, journey, text)
    assert (pushed.brought.segments, pushed.problems) == (["z-good", "a-best"], [])


def test_every_segment_of_the_library_can_be_asked_of_customers(database: Database) -> None:
    for segment in library.segments().values():
        materials.put_segment(database, segment.taken("fr"), actor=COMMAND_LINE)
    with database.read() as connection:
        assert stored.segments(connection).keys() == library.segments().keys()


def test_what_no_file_was_pushed_for_comes_out_the_same_each_time(
    database: Database, tmp_path: Path
) -> None:
    for journey in journeys(11, 60):
        save_journey(database, journey, actor=COMMAND_LINE)
        first, again = there_and_back(database, journey.id, tmp_path / f"{journey.id}.yaml")
        assert first == again
        assert parse_journey(first) == journey


def test_the_order_of_keys_is_the_models_whatever_the_database_keeps(database: Database) -> None:
    (journey,) = journeys(12, 1)
    save_journey(database, journey, actor=COMMAND_LINE)
    assert documents.pull(database, journey.id).splitlines()[0] == f"id: {journey.id}"
    assert parse_journey(dump_journey(journey)) == journey


def test_a_file_that_is_not_the_draft_any_more_is_not_given_out(database: Database) -> None:
    old, new = journeys(13, 2)
    text = "# A comment\n" + dump_journey(old)
    save_journey(database, old, text, actor=COMMAND_LINE)
    assert documents.pull(database, old.id) == text
    save_journey(database, new.model_copy(update={"id": old.id}), actor=COMMAND_LINE)
    assert "# A comment" not in documents.pull(database, old.id)
