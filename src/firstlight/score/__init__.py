"""How well pages can be scanned: a vector of measured parts, and one number."""
