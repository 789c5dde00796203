"""Which variable each name of a file is."""
