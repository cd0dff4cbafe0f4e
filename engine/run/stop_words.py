"""What a customer means who answers a text message with one word.

STOP, START and HELP are what carriers ask senders to obey (CTIA's messaging principles); the
other words are what customers write in the languages of our shops.
"""

import re
import unicodedata
from typing import Final, Literal

Word = Literal["stop", "start", "help"]

_STOP: Final = """
    stop stopall stopp stopsms unsubscribe cancel end quit optout revoke remove
    arret arreter desabonner desabonnement desinscrire desinscription resilier
    abmelden abbestellen kuendigen kundigen ende
    ferma fermare basta disiscrivi disiscrivimi cancellami annulla
    baja alto parar cancelar cancelarsuscripcion
    sair descadastrar afmelden uitschrijven avsluta avregistrer frameld lopeta
"""
_START: Final = "start unstop subscribe resume reprendre reactiver anmelden iniziare riprendi alta"
_HELP: Final = "help info aide hilfe aiuto ayuda ajuda hulp"

_MEANING: Final[dict[str, Word]] = {
    **dict.fromkeys(_STOP.split(), "stop"),
    **dict.fromkeys(_START.split(), "start"),
    **dict.fromkeys(_HELP.split(), "help"),
}
_PLAIN: Final = frozenset({"stop", "stopp", "arret", "unsubscribe", "desabonner", "abmelden"})
"""Words that mean it even with a few others behind them: STOP please, stop au 36180."""

_FEW: Final = 4


def reads_as(text: str) -> Word | None:
    """Return what the answer asks for, or None when it is something else.

    Case, accents and punctuation don't matter. In doubt it is a stop: that one can be undone.
    """
    flat = unicodedata.normalize("NFKD", text.casefold().replace("ü", "ue"))
    words = re.findall(r"[a-z0-9]+", "".join(c for c in flat if not unicodedata.combining(c)))
    if not words or len(words) > _FEW:
        return None
    if words[0] in _PLAIN:
        return "stop"
    return _MEANING.get("".join(words))
