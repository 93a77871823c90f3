"""What both services build on. No shop words; each file is usable alone."""
