"""Songs and mixes made from the reference material."""
