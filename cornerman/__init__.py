"""The program: command line, configuration, nights, the report."""
