"""Our meters beside the standards and beside others' meters: the numbers of docs/conformance.md."""
