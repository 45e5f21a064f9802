"""Items, barcodes, units and packs, locations, categories."""
