// A wall is one quad, its tiles are found here: column and row from the wall coordinate, the tile's slot, range and
// mean from the tile table, its texels by arithmetic from a layer of the atlas, its colour from the map. One instance per
// wall (and layer). Numbers: render/walls.py (dtype WALL), tile table: render/tile_table.py.
// Set by render/walls.py: MAP (row of the colour table), MAPS (its rows), SIGNED for the one about zero, RANGE (0 channel, 1 wall,
// 2 percentile), FLAWED if any value is not finite, BANDS if a mosaic is spread over layers, ANISOTROPIC on a GPU, GRAINED
// for a tile that is shown so large that its texels are to be seen, GROWN for walls with visualisations (render/grown.py),
// OWN if some walls have a map of their own, MEAN for walls so far away that all their tiles have faded into their means, CLOSE for those so near that no pixel spans
// more than a texel or a gap, VECTOR for those of one texel a picture.

uniform sampler2DArray page;  // R8: codes
uniform sampler2D table;      // RGBA32F, 256 wide: slot, low, high - low, mean code / 255 (+ 2 if flawed)

#ifdef VERTEX
#include "frame.glsl"
in vec4 corner_table;    // xyz: upper left corner of the grid in world; w: first entry in the tile table
in vec4 right_columns;   // xyz: one pitch to the right; w: columns
in vec4 down_count;      // xyz: one pitch down; w: tiles
in vec4 fill_rows;       // xy: share of the pitch a tile takes; z: rows; w: levels that are there - 1
in vec4 texels;          // xy: tile size, zw: cell size in texels of the finest level that is there
in vec4 origin_cells;    // xy: upper left texel of the mosaic on its layer; z: cells per mosaic row; w: first slot here
in vec4 ranges;          // xy: wall range, zw: percentile range
in vec4 slots_margin;    // x: slots here; y: margin around the tiles in pitches; z: layer + 1, 0 without tiles; w: 0 visualisations, 1 both, 2 activations, + 4 (1 + row of its own map)
in vec2 shown;           // from where to where it is drawn: shares of its width, margins included

out vec2 grid;           // in pitches from the upper left corner of the tiles, y down
out float seen;
flat out vec4 shape;     // columns, rows, tiles, first table entry
flat out vec4 picture;   // fill (share of the pitch), tile size in texels
flat out vec4 place;     // mosaic origin, cell size: as shares of a layer
flat out vec4 cells;     // 1 / cells per row, cells per row, first slot here, slots here
flat out vec4 limits;    // levels - 1; largest inset; 1 / width and 1 / height of a layer
flat out vec4 scales;    // texels per pitch; smallest inset; 1 if visualisations are insets
flat out vec4 colouring; // low, 1 / span (unsigned) or 0.5 / largest magnitude (signed) of the wall; z: layer; w: row of its map + 0.5
flat out vec3 room_air;
flat out vec3 room_panel;
flat out float table_row;  // height of one as a share of the table

void main() {
    table_row = 1.0 / float(textureSize(table, 0).y);
    room_air = AIR;
    room_panel = panel.rgb;
    vec2 extent = vec2(right_columns.w, fill_rows.z);
    float margin = slots_margin.y;
    vec2 unit = vec2(shown[gl_VertexID & 1], gl_VertexID >> 1);
    vec2 last = extent + margin;
    last.y = clamp(corner_table.y / length(down_count.xyz), -margin, last.y);  // what is pushed under the floor is not seen
    grid = mix(vec2(-margin), last, unit);
    vec3 world = corner_table.xyz + right_columns.xyz * grid.x + down_count.xyz * grid.y;
    gl_Position = clip_from_world * vec4(world, 1.0);
    seen = clearness(world);
    shape = vec4(extent, slots_margin.z > 0.0 ? down_count.w : 0.0, corner_table.w);  // before it has tiles a wall shows none
    picture = vec4(fill_rows.xy, texels.xy);
    vec2 texel = 1.0 / vec2(textureSize(page, 0).xy);
    place = vec4(origin_cells.xy * texel, texels.zw * texel);
    cells = vec4(1.0 / origin_cells.z, origin_cells.z, origin_cells.w, slots_margin.x);
    float middle = 0.5 * min(texels.x, texels.y);
    limits = vec4(fill_rows.w, min(0.5 * exp2(fill_rows.w), middle), texel);
    float own = floor(slots_margin.w * 0.25), map = own > 0.0 ? own - 1.0 : float(MAP);
    scales = vec4(texels.xy / fill_rows.xy, min(0.5, middle), slots_margin.w - 4.0 * own);
#if RANGE == 2
    vec2 range = ranges.zw;
#else
    vec2 range = ranges.xy;
#endif
    vec2 about_zero = vec2(0.0, 0.5 / max(max(abs(range.x), abs(range.y)), 1e-30));
    vec2 from_low = vec2(range.x, 1.0 / max(range.y - range.x, 1e-30));
    colouring = vec4(map < 0.5 ? about_zero : from_low, slots_margin.z - 1.0, map + 0.5);
}
#endif

#ifdef FRAGMENT
in vec2 grid;
in float seen;
flat in vec4 shape;
flat in vec4 picture;
flat in vec4 place;
flat in vec4 cells;
flat in vec4 limits;
flat in vec4 scales;
flat in vec4 colouring;
flat in vec3 room_air;
flat in vec3 room_panel;
flat in float table_row;

uniform sampler2D colors;     // RGBA32F, 512 x maps: linear light
out vec4 color;
#ifdef GROWN
uniform sampler2DArray grown;   // sRGB, a layer for each visualisation
uniform sampler2D grown_table;  // RG32F, as `table`: layer + 1, or 0; share of its steps
const vec3 BAR = vec3(0.16, 0.86, 1.00);

// Share of a pixel that a box about a point covers.
float covered(vec2 from, vec2 size, vec2 per_pitch) {
    vec2 share = clamp((size * 0.5 - abs(from)) * per_pitch + 0.5, vec2(0.0), min(size * per_pitch, 1.0));
    return share.x * share.y;
}
#endif

const vec3 FLAW = vec3(0.85, 0.0, 0.62);  // magenta is in no colour map

// Share of a pixel that tiles cover, from the middle of the tile that it is in: exact for an axis-aligned box, so neither
// edges nor far gaps flicker. A pixel that is wider than the gap reaches into the next tile, one that is wider than the
// pitch covers as much as there is of tiles.
float tiled(vec2 from_centre, vec2 per_pitch) {
    vec2 scale = max(per_pitch, 1.0), whole = min(picture.xy * scale, 1.0);
    vec2 aside = abs(from_centre), half_tile = 0.5 * picture.xy;
    vec2 share = clamp((half_tile - aside) * scale + 0.5, vec2(0.0), whole);
#ifndef CLOSE
    share += step(aside, vec2(0.5)) * clamp((half_tile - 1.0 + aside) * scale + 0.5, vec2(0.0), whole);
#endif
    return share.x * share.y;
}

// Neither table is read by texelFetch, for which llvmpipe works out the size of the level of each pixel by itself: the
// nearest texel of a texture that has one level takes half of that, and clamps at the edges without being told.

// Of a colour map: from 0 to 1.
vec3 color_at(float t, float row) {
    return textureLod(colors, vec2(t * (511.0 / 512.0) + 0.5 / 512.0, row * (1.0 / float(MAPS))), 0.0).rgb;
}

// Of the tile table. Powers of two: exact.
vec4 tile_at(float entry) {
    float line = (entry + 0.5) * (1.0 / 256.0);
    return textureLod(table, vec2(fract(line), (floor(line) + 0.5) * table_row), 0.0);
}

// Linear light of a code of a tile. Range of the colours: the wall's; the channel's own if asked for, unless it is constant.
vec3 light_of(vec4 tile, float code) {
    float value = tile.y + code * tile.z;
    float low = colouring.x, steepness = colouring.y;
#ifdef OWN
    bool about_zero = colouring.w < 1.0;
#if RANGE == 0
    float most = about_zero ? 2.0 * max(abs(tile.y), abs(tile.y + tile.z)) : tile.z;
    low = tile.z > 0.0 && !about_zero ? tile.y : low;
    steepness = tile.z > 0.0 ? 1.0 / most : steepness;
#endif
    float own = (about_zero ? 0.5 + value * steepness : (value - low) * steepness);
    return color_at(own, colouring.w);
#else
#if RANGE == 0
#ifdef SIGNED
    steepness = tile.z > 0.0 ? 0.5 / max(abs(tile.y), abs(tile.y + tile.z)) : steepness;
#else
    low = tile.z > 0.0 ? tile.y : low;
    steepness = tile.z > 0.0 ? 1.0 / tile.z : steepness;
#endif
#endif
#ifdef SIGNED
    float t = 0.5 + value * steepness;
#else
    float t = (value - low) * steepness;
#endif
    return color_at(t, float(MAP) + 0.5);
#endif
}

#ifdef MEAN
// A few tiles to a pixel: the mean of its four quarters, or colours would jump from tile to tile as the eye moves.
void main() {
    vec2 width = max(abs(dFdx(grid)) + abs(dFdy(grid)), 1e-6);  // of a pixel, in pitches
    vec2 per_pitch = 2.0 / width;
    vec3 light = vec3(0.0);
    for (int quarter = 0; quarter < 4; quarter++) {
        vec2 at = grid + (vec2(quarter & 1, quarter >> 1) * 0.5 - 0.25) * width;
        vec2 cell = clamp(floor(at), vec2(0.0), shape.xy - 1.0);
        float index = cell.y * shape.x + cell.x;
        vec4 tile = tile_at(shape.w + min(index, shape.z - 1.0));
        float cover = index < shape.z ? tiled(at - cell - 0.5, per_pitch) : 0.0;
        light += cover * (light_of(tile, tile.w) - room_panel);
    }
    color = vec4(mix(room_air, room_panel, seen) + (0.25 * seen) * light, 1.0);
}
#else
void main() {
    vec2 width = max(abs(dFdx(grid)) + abs(dFdy(grid)), 1e-6);  // of a pixel, in pitches
    vec2 per_pitch = 1.0 / width;
    vec2 cell = clamp(floor(grid), vec2(0.0), shape.xy - 1.0);
    float index = cell.y * shape.x + cell.x;
    vec2 from_centre = grid - cell - 0.5;

    float entry = shape.w + min(index, shape.z - 1.0);
    vec4 tile = tile_at(entry);
    float slot = tile.x - cells.z;
#ifdef BANDS
    if (slot < 0.0 || slot >= cells.w) discard;
#endif
    float cover = index < shape.z ? tiled(from_centre, per_pitch) : 0.0;
#ifdef VECTOR
    // Its range is one value, which code 0 stands for as well as any other; or it is not finite.
    vec3 mapped = light_of(tile, 0.0);
#ifdef FLAWED
    mapped = mix(mapped, FLAW, step(1.5, tile.w));
#endif
#else

    // Level from the grid's derivatives, which are continuous across tiles: no seams. Samples keep so far from the
    // tile's edge that no neighbour is touched: half a texel of the coarser level is at most `footprint`.
    vec2 across = width * scales.xy;
    float footprint = max(across.x, across.y);
#ifdef CLOSE
    const float level = 0.0;
#else
    float level = log2(footprint);
#endif
    vec2 texel = from_centre * scales.xy + picture.zw * 0.5;
    float sampled = clamp(level, 0.0, limits.x);
#ifdef GRAINED
    // Texels larger than a pixel are squares with edges one pixel wide; smaller ones are mixed as ever.
    vec2 seam = floor(texel + 0.5);
    texel = mix(texel, seam + clamp((texel - seam) / across, -0.5, 0.5), step(across, vec2(1.0)));
#endif
#ifdef FLAWED
    // Code 0 stands for "not finite" and must not mix with its neighbours: the nearest texel of one level.
    float flawed = step(1.5, tile.w);
    float grain = exp2(floor(sampled + 0.5));
    texel = mix(texel, (floor(texel / grain) + 0.5) * grain, flawed);
    sampled = mix(sampled, floor(sampled + 0.5), flawed);
#endif
    float inset = clamp(footprint, scales.z, limits.y);
    texel = clamp(texel, vec2(inset), picture.zw - inset);
    float row = floor((slot + 0.5) * cells.x);
    vec2 at = place.xy + vec2(slot - row * cells.y, row) * place.zw + texel * limits.zw;
#ifdef ANISOTROPIC
    vec2 gx = dFdx(grid) * scales.xy, gy = dFdy(grid) * scales.xy;
    float most = min(1.0, 2.0 * limits.y / max(max(length(gx), length(gy)), 1e-6));
    float code = textureGrad(page, vec3(at, colouring.z), gx * limits.zw * most, gy * limits.zw * most).r;
#else
#ifdef CLOSE
    float code = textureLod(page, vec3(at, colouring.z), 0.0).r;
#else
    float code = textureLod(page, vec3(at, colouring.z), sampled).r;
#endif
#endif
#ifdef CLOSE
    vec3 mapped = light_of(tile, code);
#else
    float far = clamp(level - limits.x, 0.0, 1.0);
#ifdef FLAWED
    far *= 1.0 - flawed;
#endif
    vec3 mapped = light_of(tile, mix(code, tile.w, far));
#endif
#ifdef FLAWED
    mapped = mix(mapped, FLAW, flawed * step(code, 0.001));
#endif
#endif
#ifdef GROWN
    // In place of the tile's picture, or as an inset in the lower right quarter of its square; under it, how far it is.
    vec2 has = texelFetch(grown_table, ivec2(int(entry) & 255, int(entry) >> 8), 0).xy;
    float there = index < shape.z ? min(has.x, 1.0) : 0.0;
    float square = max(picture.x, picture.y), inset_part = scales.w;
    float side = square * (1.0 - 0.5 * inset_part);
    vec2 from = from_centre - 0.25 * square * inset_part;
    float room = there * covered(from + 0.012 * square * inset_part, vec2(side + 0.024 * square * inset_part), per_pitch);
    float over = there * covered(from, vec2(side), per_pitch);
    vec2 slope_x = dFdx(grid) / side, slope_y = dFdy(grid) / side;
    vec4 bloom = textureGrad(grown, vec3(from / side + 0.5, has.x - 1.0), slope_x, slope_y);
    vec3 light = mix(room_panel + cover * (mapped - room_panel), room_panel, room);
    light = mix(light, bloom.rgb, over * bloom.a);
    vec2 track = vec2(square, 0.25 * (1.0 - square));
    vec2 along = from_centre - vec2(0.0, 0.25 + 0.25 * square);
    float growing = there * (1.0 - step(0.999, has.y));
    light = mix(light, mix(room_panel, BAR, 0.18), growing * covered(along, track, per_pitch));
    vec2 done = vec2(square * has.y, track.y);
    light = mix(light, BAR, growing * covered(along + vec2(0.5 * (square - done.x), 0.0), done, per_pitch));
    color = vec4(mix(room_air, room_panel, seen) + seen * (light - room_panel), 1.0);
#else
    color = vec4(mix(room_air, room_panel, seen) + (cover * seen) * (mapped - room_panel), 1.0);
#endif
}
#endif
#endif
