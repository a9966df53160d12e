"""Lock to entries, entries to layers, layers to an image; no daemon, no root."""
