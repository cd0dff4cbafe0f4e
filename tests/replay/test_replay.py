"""Histories that earlier releases have recorded still replay."""

import asyncio
import json
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from workers.workflows.journey_run import JourneyRun

HISTORIES = sorted((Path(__file__).parent / "histories").glob("*.json"))


@pytest.mark.parametrize("path", HISTORIES, ids=lambda path: path.stem)
def test_a_recorded_history_replays(path: Path) -> None:
    history = WorkflowHistory.from_json(path.stem, json.loads(path.read_text(encoding="utf-8")))
    asyncio.run(Replayer(workflows=[JourneyRun]).replay_workflow(history))


def test_there_are_histories() -> None:
    assert len(HISTORIES) >= 3
