"""What a small change of a large document comes to."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from engine.model.differing import differing

LEAF = st.one_of(st.integers(0, 3), st.sampled_from(["a", "b"]), st.none())
STEPS = st.lists(
    st.fixed_dictionaries({"id": st.sampled_from("abcdef"), "for": LEAF}),
    max_size=5,
    unique_by=lambda step: step["id"],
)
DOCUMENTS = st.fixed_dictionaries(
    {"id": st.just("j")},
    optional={"name": LEAF, "steps": STEPS, "goal": st.dictionaries(st.sampled_from("xy"), LEAF)},
)


def restored(before: Any, old: Any, new: Any) -> Any:
    """Put what a change made of a document into the document."""
    if isinstance(before, dict) and isinstance(old, dict) and isinstance(new, dict):
        made = {key: value for key, value in before.items() if key not in old or key in new}
        for key, value in new.items():
            made[key] = restored(before[key], old[key], value) if key in old else value
        return made
    if isinstance(before, list) and isinstance(old, list) and isinstance(new, list):
        things = {thing["id"]: thing for thing in before}
        gone = {thing["id"] for thing in old} - {thing["id"] for thing in new}
        olds = {thing["id"]: thing for thing in old}
        made = {id: thing for id, thing in things.items() if id not in gone}
        for thing in new:
            was = things.get(thing["id"])
            made[thing["id"]] = restored(was, olds[thing["id"]], thing) if was else thing
        return made
    return new


def unordered(document: Any) -> Any:
    """The document with its lists by id: where something stands is compared elsewhere."""
    return {
        key: {thing["id"]: thing for thing in value} if isinstance(value, list) else value
        for key, value in document.items()
    }


@given(DOCUMENTS, DOCUMENTS)
def test_what_differs_is_enough_to_tell_the_new_document(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    old, new = differing(before, after)
    if before == after:
        assert (old, new) == (None, None)
    else:
        made = restored(before, old, new)
        if isinstance(made.get("steps"), dict):
            made = {**made, "steps": list(made["steps"].values())}
        assert unordered(made) == unordered(after)


def test_a_changed_step_of_many_is_told_alone_with_its_name() -> None:
    steps = [{"id": f"s{n}", "name": f"Step {n}", "type": "wait", "for": "1h"} for n in range(200)]
    changed = [{**step, "for": "2h"} if step["id"] == "s7" else step for step in steps]
    before, after = (
        {"id": "j", "name": "J", "steps": steps},
        {"id": "j", "name": "J", "steps": changed},
    )
    assert differing(before, after) == (
        {"id": "j", "name": "J", "steps": [{"id": "s7", "name": "Step 7", "for": "1h"}]},
        {"id": "j", "name": "J", "steps": [{"id": "s7", "name": "Step 7", "for": "2h"}]},
    )


def test_another_order_names_all_that_have_one() -> None:
    before = [{"id": "a", "for": 1}, {"id": "b", "for": 2}]
    assert differing(before, before[::-1]) == (
        [{"id": "a"}, {"id": "b"}],
        [{"id": "b"}, {"id": "a"}],
    )


def test_lists_without_ids_are_told_whole() -> None:
    assert differing({"on": [1, 2]}, {"on": [1, 3]}) == ({"on": [1, 2]}, {"on": [1, 3]})
