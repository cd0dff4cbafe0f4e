"""What a message of a walk would say."""

from dataclasses import dataclass

from designer.content import previews
from designer.content.previews import Preview
from designer.views import CHANNEL_ICONS, channel_name
from designer.walk.scene import Scene
from designer.words import Words
from engine.flow.prepare import variables_of, worded
from engine.model.base import Channel
from engine.model.customer import Customer
from engine.model.journey import SendStep, walk
from engine.model.snippet import bodies
from engine.run.command import variant_of
from engine.run.state import Settled, State
from engine.run.walked import CanSend, Walked


@dataclass(frozen=True, slots=True)
class Letter:
    """A message as she would get it; without a `preview` its template is gone."""

    icon: str
    channel: str
    preview: Preview | None


class Letters:
    """Writes the messages of one walk; `nonce` lets the styles of an email hold on our page."""

    def __init__(self, scene: Scene, words: Words, nonce: str) -> None:
        self._scene = scene
        self._words = words
        self._nonce = nonce
        self._steps = {s.id: s for s in walk(scene.journey.steps) if isinstance(s, SendStep)}

    def sent(self, walked: Walked) -> list[Letter]:
        """Return the messages that were sent on the way, in their order."""
        return [
            self._letter(turn.given.step, turn.before, turn.world.customer, turn.channel)
            for turn in walked.turns
            if isinstance(turn.given, Settled)
            and turn.given.outcome == "sent"
            and turn.channel is not None
        ]

    def next(self, walked: Walked) -> Letter | None:
        """Return the message that is about to be sent."""
        can = next((one for one in walked.open if isinstance(one, CanSend)), None)
        if can is None or walked.state is None:
            return None
        return self._letter(can.step, walked.state, walked.customer, can.channel)

    def _letter(self, step_id: str, state: State, customer: Customer, channel: Channel) -> Letter:
        step, catalogue = self._steps[step_id], self._scene.catalogue
        variant, shop = variant_of(state, step), catalogue.workspace
        own = variant.set if variant is not None else {}
        template = catalogue.templates.get(str(own.get("template") or step.template))
        icon, name = CHANNEL_ICONS[channel], channel_name(channel, self._words)
        if template is None:
            return Letter(icon, name, None)
        content = worded(
            template.content(customer.locale, shop.locale),
            variant.set if variant is not None else {},
            step.subject,
            step.preheader,
        )
        pieces = bodies(catalogue.snippets, customer.locale or shop.locale)
        values = {
            **variables_of(customer, state, variant, shop),
            **previews.stand_ins(content, pieces),
        }
        return Letter(icon, name, previews.preview(content, channel, values, pieces, self._nonce))
