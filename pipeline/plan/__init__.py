"""What mining a catalog takes, before a machine is paid for: hours, bytes, days and money."""
