"""Email: over SMTP and SendGrid."""
