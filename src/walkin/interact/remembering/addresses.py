"""Addresses: a tile of the room in words that can be copied, and the tile that such words mean."""

from __future__ import annotations

from walkin.sizes import counted
from walkin.state.wall import Wall, wall_key
from walkin.world import World


def address_of(world: World, key: str, channel: int | None = None) -> str:
    """`resnet50:layer3.2.conv2/117`, of a wall without the last part."""
    wall = world.walls[key]
    exhibit = world.exhibit(wall.exhibit)
    name = exhibit.key or exhibit.title if exhibit is not None else ""
    where = f"{name}:{wall.node.address}" if name else wall.node.address
    return where if channel is None else f"{where}/{channel}"


def copy_address(world: World) -> str:
    """Put the address of the tile that is pointed at, else of the one that was chosen, on the clipboard."""
    found = (world.hover.key, world.hover.channel) if world.hover is not None else world.selected
    if found is None or found[0] not in world.walls:
        world.notify("point at a tile first")
        return ""
    world.copy_wish = address_of(world, *found)
    world.notify(f"copied {world.copy_wish}")
    return world.copy_wish


def find(world: World, text: str) -> tuple[Wall, int | None] | None:
    """The wall, and the channel if one is named: `layer3.2.conv2`, `layer3.2.conv2/117`, with a network before it or
    without."""
    text = text.strip()
    for name in ("", *(f"{exhibit.title}:" for exhibit in world.exhibits)):
        if not text.startswith(name):
            continue
        # The first network's walls have no name before their address.
        exhibit = next((e for e in world.exhibits if f"{e.title}:" == name), None)
        prefix = f"{exhibit.key}:" if exhibit is not None and exhibit.key else ""
        address = prefix + text[len(name) :]
        if (wall := _wall(world, address)) is not None:
            return wall, None
        head, slash, channel = address.rpartition("/")
        wall = _wall(world, head) if slash else None
        if wall is not None and channel.isascii() and channel.isdecimal():
            return wall, int(channel)
    return None


def why_not(world: World, text: str) -> str:
    """Why nobody can stand before what such words mean, naming what is like it; '' if there it is."""
    found = find(world, text)
    if found is not None:
        wall, channel = found
        return "" if channel is None or channel < wall.count else _too_high(wall, channel)
    text, network = text.strip(), world.network
    for exhibit in world.exhibits:
        if exhibit.network is not None and text.startswith(f"{exhibit.title}:"):
            text, network = text[len(exhibit.title) + 1 :], exhibit.network
    if network is None:
        return "there is no network in this room"
    head, _, channel = text.rpartition("/")
    numbered = channel.isascii() and channel.isdecimal() and bool(head)
    try:
        node = network.find(head if numbered and text not in network.by_address else text)
    except KeyError as problem:
        return str(problem.args[0])
    return f"{node.address} has no wall: the picture stands at the entrance" if node.kind == "input" else ""


def _too_high(wall: Wall, channel: int) -> str:
    return f"{wall.key} has {counted(wall.count, 'channel')}, from 0 on: there is no {channel}"


def _wall(world: World, key: str) -> Wall | None:
    """By its key, or by the name that a probe gave it."""
    if key in world.walls:
        return world.walls[key]
    for exhibit in world.exhibits:
        start = f"{exhibit.key}:" if exhibit.key else ""
        if exhibit.network is not None and key.startswith(start):
            node = exhibit.network.by_title.get(key[len(start) :])
            if node is not None:
                return world.walls.get(wall_key(exhibit.key, node.address))
    return None


def select(world: World, text: str) -> Wall | None:
    """The wall that is meant, None if there is none; a tile that is named with it is chosen."""
    found = find(world, text)
    if found is None:
        return None
    wall, channel = found
    if channel is not None and channel >= wall.count:
        world.notify(_too_high(wall, channel), "warning")
    elif channel is not None:
        world.selected = wall.key, channel
        world.revision += 1
    return wall
