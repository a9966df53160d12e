"""Who runs an image: one module per engine."""
