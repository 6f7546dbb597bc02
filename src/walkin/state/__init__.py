"""What the state of the room is made of; `world` joins it. Plain data, owned by the render thread."""
