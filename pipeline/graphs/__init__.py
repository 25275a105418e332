"""What builds and runs Beam graphs; commands call it and build none."""
