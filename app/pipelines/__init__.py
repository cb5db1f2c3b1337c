"""Steps in order, one transaction each: the only place where science meets the database."""
