"""Images to registries and from them: names, push, pull."""
