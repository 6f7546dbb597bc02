"""Panels: imgui drawn into a texture. Where they hang is the world's business."""
