"""What labcrew's data scripts share: reading a data file, locating its records, checking it."""
