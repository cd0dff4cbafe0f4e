"""The nouns and verbs of `parcours`, one module each."""
