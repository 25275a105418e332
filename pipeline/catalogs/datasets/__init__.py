"""Published datasets, a file each, as manifests for `mine`."""
