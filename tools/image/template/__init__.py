"""A flex template of Dataflow: the image that starts a job, its parameters, and the program that it starts."""
