"""Images beyond this machine: push, pull, vendor, sign, compare."""
