"""What is in an image, how two differ, whether one is what the lock gives."""
