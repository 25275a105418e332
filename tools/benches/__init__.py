"""CPU time and memory of our code, beside the libraries."""
