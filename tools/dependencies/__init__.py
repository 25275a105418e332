"""What we depend on: the lock of images, versions at both ends of their bounds, known vulnerabilities."""
