"""Names of a file, and the variable that each of them is."""
