"""What providers tell us: signed requests about the messages that they carry."""
