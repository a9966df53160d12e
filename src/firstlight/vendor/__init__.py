"""Everything a lock is built from, kept as one artefact and read back with distrust."""
