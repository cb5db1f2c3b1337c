"""The science: numbers in, numbers out; no file, database, network or clock."""
