"""The transactions, one module each. Everything that commits is here."""
