"""The image of the Dockerfile: built and run by buildah, which needs no daemon."""
