"""What two documents do not share, so that a small change of a large one is told in few words."""

from typing import Any, Final

_CALLED: Final = ("id", "name")


def differing(before: Any, after: Any) -> tuple[Any, Any]:
    """Return both values without what is the same in both.

    Things of a list are told apart by their `id`. What is left of a thing keeps its `id` and
    `name`; when the order of a list is another one, every thing of it is named. Equal values give
    None.
    """
    if before == after:
        return None, None
    if isinstance(before, dict) and isinstance(after, dict):
        return _of_mappings(before, after)
    if isinstance(before, list) and isinstance(after, list):
        old, new = _by_id(before), _by_id(after)
        if old is not None and new is not None:
            return _of_lists(old, new)
    return before, after


def _of_mappings(before: dict[str, Any], after: dict[str, Any]) -> tuple[Any, Any]:
    old: dict[str, Any] = {}
    new: dict[str, Any] = {}
    for key in (*before, *(key for key in after if key not in before)):
        if key in before and key in after:
            if before[key] != after[key]:
                old[key], new[key] = differing(before[key], after[key])
            elif key in _CALLED:
                old[key] = new[key] = before[key]
        else:
            side = old if key in before else new
            side[key] = before[key] if key in before else after[key]
    return old, new


def _of_lists(before: dict[str, Any], after: dict[str, Any]) -> tuple[Any, Any]:
    both = [id for id in before if id in after]
    moved = both != [id for id in after if id in before]
    old: list[Any] = []
    new: list[Any] = []
    for id, thing in before.items():
        if id not in after:
            old.append(thing)
        elif thing != after[id]:
            old.append(differing(thing, after[id])[0])
        elif moved:
            old.append({"id": id})
    for id, thing in after.items():
        if id not in before:
            new.append(thing)
        elif thing != before[id]:
            new.append(differing(before[id], thing)[1])
        elif moved:
            new.append({"id": id})
    return old, new


def _by_id(things: list[Any]) -> dict[str, Any] | None:
    ids = [thing.get("id") if isinstance(thing, dict) else None for thing in things]
    if not all(isinstance(id, str) for id in ids) or len(set(ids)) != len(ids):
        return None
    return dict(zip(ids, things, strict=True))  # type: ignore[arg-type]
