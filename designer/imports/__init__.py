"""Files of customers and events: brought, looked at, and carried out."""
