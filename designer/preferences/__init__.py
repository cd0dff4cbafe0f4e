"""The customer's own pages: what she gets, how to end it, how to confirm it. No login."""
