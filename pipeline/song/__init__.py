"""One song on one machine: its settings, and what is measured of it. No Beam."""
