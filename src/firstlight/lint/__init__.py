"""What is wrong in pages and notebooks, where exactly, and the edits that mend it."""
