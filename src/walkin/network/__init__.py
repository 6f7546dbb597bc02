"""Everything torch: networks from their sources, their graph, their activations. No GL, no pose, no world."""
