"""A page, parsed once, with exact byte offsets; nothing else here knows CommonMark."""
