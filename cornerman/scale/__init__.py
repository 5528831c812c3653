"""Beyond one machine: episodes on Ray workers, their results to the one writer."""
