"""Songs in, rows out: catalog, decoding, separation, measuring, checkpoint and aggregation on Beam."""
