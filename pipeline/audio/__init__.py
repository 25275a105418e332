"""Files to arrays and arrays to files. No Beam."""
