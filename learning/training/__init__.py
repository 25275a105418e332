"""Training as a tool: one loop for all networks, resumable at any step, with curves and a data card."""
