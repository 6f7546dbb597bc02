"""The acts that the panel asks for with arguments, what those are, and how the palette names acts without any.

Acts that have a key or a control (interact.acts) are asked for by the same name: without arguments they do what the
key does, with arguments they set.
"""

from __future__ import annotations

ARGUMENTS: dict[str, str] = {
    "goto": "key of a wall, or key/channel",
    "open": "name of a network",
    "copy": "text for the clipboard",
    "colors": "one of world.COLOR_MAPS",
    "range": "one of world.RANGES",
    "labels": "bool",
    "ribbons": "bool",
    "light": "bool: room and panel dark on light",
    "fold": "ops, layers or blocks",
    "layout": "name of a parameter of the layout, value",
    "scale": "metres of the room to a metre of the visitor's",
    "comfort": "field of world.Comfort, value",
    "noise": "one of things.NOISES; key of a network, '' for the one the visitor is at, * for all",
    "feed": "walkin.requests.Source; key of a network, '' for the one the visitor is at, * for all",
    "watch": "what walkin.requests.Watch opens, '' to stop",
    "shelf_search": "words",
    "shelf_page": "how many pages on, negative for back",
    "shelf_draw": "bool: at random, or in order",
    "export": "key of a wall, '' for all; key of a network, '' for the one the visitor is at",
    "measure": "key of the wall whose histograms are wanted, '' for none",
    "sort": "key of a wall; index, mean, max or positive",
    "columns": "key of a wall, how many",
    "reset_wall": "key of a wall",
    "reset_walls": "nothing",
    "collapse": "key of a wall",
    "expand": "key of a wall",
    "visualise": "key of a wall, channel",
    "visualise_wall": "key of a wall",
    "visualise_all": "nothing: the network that the visitor is at",
    "visualise_stop": "key of a wall, '' for all",
    "pause": "nothing: what grows rests",
    "resume": "nothing",
    "showing": "one of growth.SHOWINGS, key of a wall or '' for all; '' and a key: as all",
    "save_recipe": "name: the recipe as it is now is found by that from now on",
    "recipe": "recipe, seed or the name of one of its numbers; value, None as it was",
    "cancel": "nothing",
    "panel": "bool: shown",
    "hang_panel": "bool: in the room rather than on the wrist",
    "palette": "bool: shown",
}
