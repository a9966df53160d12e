"""What each block of a page is for, and the marks that say so to a reader."""
