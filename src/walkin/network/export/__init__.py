"""Export: what stands on walls, as files: arrays, pictures, a manifest and a gallery that opens from disk."""
