"""Beginning a journey: from an empty page, or from the library."""
