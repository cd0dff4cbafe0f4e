"""Who may see the pages: a signed link opens a session, and a signed cookie keeps it."""
