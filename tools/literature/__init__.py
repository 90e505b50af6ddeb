"""Literature sources: one file each, all behind the same port."""
