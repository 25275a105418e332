"""Files to arrays and arrays to files. Knows no Beam."""
