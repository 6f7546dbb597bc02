"""A headset through OpenXR, in parts: runtime, GL binding, session, eyes, controllers. targets/openxr.py joins them."""
