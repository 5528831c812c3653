"""Base texts, guidance items, immutable versions, rendering within a token budget, lineage and aliases."""
