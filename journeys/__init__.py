"""The library: ready journeys as files, with their templates beside them."""
