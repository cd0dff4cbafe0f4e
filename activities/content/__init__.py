"""How a message comes from a template: bounded Liquid, MJML, plain text, tracked links."""
