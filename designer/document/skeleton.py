"""What a new journey's document starts from."""

from collections.abc import Mapping

from designer.words import Words
from engine.model.template import Template

_ENGLISH = """\
# A journey is a list of steps. Lines that begin with # are for people only.
format: 1
id: my-journey                  # stable for ever: letters, digits, - and _
name: My journey                # what people call it
topic: offers                   # what the messages are about; customers may refuse a topic

entry:
  on: {event: Product Added}    # the event that opens it
  # if: {trait: country, in: [CH, FR]}       # only these customers
  reentry: {mode: after_exit, cooldown: 7d}   # or: once

# holdout: 5%                   # receive nothing, to compare with; needs a goal
goal: {event: Order Completed, within: 7d, revenue: total}

exits:                          # wherever the customer stands
  - {on: {event: Order Completed}, reason: purchased}

steps:
  - {id: cool-off, type: wait, for: 1h}
  - id: first-mail
    type: send
    channel: email
    template: {template}     # a template that exists
"""

_FRENCH = """\
# Un parcours est une liste d'étapes. Les lignes qui commencent par # s'adressent aux personnes.
format: 1
id: mon-parcours                # ne change plus jamais : lettres, chiffres, - et _
name: Mon parcours              # le nom que tout le monde lui donne
topic: offers                   # le sujet des messages ; un client peut refuser un sujet

entry:
  on: {event: Product Added}    # l'événement qui l'ouvre
  # if: {trait: country, in: [CH, FR]}       # seulement ces clients
  reentry: {mode: after_exit, cooldown: 7d}   # ou : once

# holdout: 5%                   # ne reçoivent rien, pour comparer ; demande un objectif
goal: {event: Order Completed, within: 7d, revenue: total}

exits:                          # où que le client se trouve
  - {on: {event: Order Completed}, reason: purchased}

steps:
  - {id: attente, type: wait, for: 1h}
  - id: premier-mail
    type: send
    channel: email
    template: {template}     # un modèle qui existe
"""


def skeleton(words: Words, templates: Mapping[str, Template]) -> str:
    """Return a commented document in the reader's language, that uses a template there is."""
    emails = (name for name, template in templates.items() if template.channel == "email")
    text = _FRENCH if words.language == "fr" else _ENGLISH
    return text.replace("{template}", next(emails, "cart-reminder"))
