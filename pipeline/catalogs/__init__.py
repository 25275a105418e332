"""What songs there are: folders, manifests, published datasets."""
