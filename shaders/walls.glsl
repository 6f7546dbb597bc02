// A wall is one quad, its tiles are found here: column and row from the wall coordinate, the tile's slot, range and
// mean from the tile table, its texels by arithmetic from the atlas page, its colour from the map. One instance per
// wall (and page). Numbers: render/walls.py (dtype WALL), tile table: render/atlas.py.
#include "frame.glsl"

#ifdef VERTEX
in vec4 corner_table;    // xyz: upper left corner of the grid in world; w: first entry in the tile table
in vec4 right_columns;   // xyz: one pitch to the right; w: columns
in vec4 down_count;      // xyz: one pitch down; w: tiles
in vec4 fill_rows;       // xy: share of the pitch a tile takes; z: rows; w: levels - 1
in vec4 texels;          // xy: tile size, zw: cell size in texels of level 0
in vec4 origin_cells;    // xy: upper left texel of the mosaic on its page; z: cells per mosaic row; w: first slot here
in vec4 ranges;          // xy: wall range, zw: percentile range
in vec4 slots_margin;    // x: slots here; y: margin around the tiles in pitches; z: 1 if it has tiles; w: unused

out vec2 grid;           // in pitches from the upper left corner of the tiles, y down
out float seen;
flat out vec4 shape;     // columns, rows, tiles, first table entry
flat out vec4 tile_size; // size in texels, cell size
flat out vec4 fill_place;// fill, mosaic origin
flat out vec4 cells;     // cells per row, first slot, slots, levels - 1
flat out vec4 wall_range;// largest magnitude of the wall and of its percentiles; low and 1/span for unsigned maps
flat out float lit;

void main() {
    vec2 extent = vec2(right_columns.w, fill_rows.z);
    float margin = slots_margin.y;
    vec2 unit = vec2(gl_VertexID & 1, gl_VertexID >> 1);
    grid = mix(vec2(-margin), extent + margin, unit);
    vec3 world = corner_table.xyz + right_columns.xyz * grid.x + down_count.xyz * grid.y;
    gl_Position = clip_from_world * vec4(world, 1.0);
    seen = clearness(world);
    shape = vec4(extent, down_count.w, corner_table.w);
    tile_size = texels;
    fill_place = vec4(fill_rows.xy, origin_cells.xy);
    cells = vec4(origin_cells.zw, slots_margin.x, fill_rows.w);
    vec2 range = look.z > 1.5 ? ranges.zw : ranges.xy;
    wall_range = vec4(range, max(abs(range.x), abs(range.y)), 0.0);
    lit = slots_margin.z;
}
#endif

#ifdef FRAGMENT
in vec2 grid;
in float seen;
flat in vec4 shape;
flat in vec4 tile_size;
flat in vec4 fill_place;
flat in vec4 cells;
flat in vec4 wall_range;
flat in float lit;

uniform sampler2D page;    // R8: codes
uniform sampler2D table;   // RGBA32F, TABLE_WIDTH wide: slot, low, high - low, mean code / 255 (+ 2 if flawed)
uniform sampler2D colors;  // RGBA16F, 512 x maps: linear light
out vec4 color;

const vec3 PANEL = vec3(0.0165, 0.0188, 0.0245);
const vec3 FLAW = vec3(0.85, 0.0, 0.62);  // magenta is in no colour map

void main() {
    vec2 dx = dFdx(grid), dy = dFdy(grid);
    vec2 cell = clamp(floor(grid), vec2(0.0), shape.xy - 1.0);
    float index = cell.y * shape.x + cell.x;
    vec2 from_centre = grid - cell - 0.5;

    int entry = int(shape.w + min(index, shape.z - 1.0));
    vec4 tile = texelFetch(table, ivec2(entry & (TABLE_WIDTH - 1), entry / TABLE_WIDTH), 0);
    float slot = tile.x - cells.y;
#ifdef BANDS
    if (slot < 0.0 || slot >= cells.z) discard;
#endif
    // Share of the pixel that the tile covers: exact for an axis-aligned box, so neither edges nor far gaps flicker.
    vec2 width = max(abs(dx) + abs(dy), 1e-6);
    vec2 share = clamp((fill_place.xy * 0.5 - abs(from_centre)) / width + 0.5, 0.0, 1.0);
    share = min(share, fill_place.xy / width);
    float cover = share.x * share.y * lit;
    cover = index < shape.z ? cover : 0.0;

    // Texels: continuous across tiles, so the derivatives of the grid give the level without seams.
    vec2 scale = tile_size.xy / fill_place.xy;
    vec2 gx = dx * scale, gy = dy * scale;
    float level = 0.5 * log2(max(max(dot(gx, gx), dot(gy, gy)), 1e-8));
    float last = cells.w;
    float sampled = clamp(level, 0.0, last);
    float inset = 0.5 * exp2(ceil(sampled));
    vec2 texel = clamp((from_centre / fill_place.xy + 0.5) * tile_size.xy, vec2(0.0), tile_size.xy);
    float flawed = step(1.5, tile.w);
    float grain = exp2(floor(sampled + 0.5));
    texel = mix(texel, (floor(texel / grain) + 0.5) * grain, flawed);  // code 0 must not mix with its neighbours
    sampled = mix(sampled, floor(sampled + 0.5), flawed);
    texel = clamp(texel, vec2(inset), max(tile_size.xy - inset, vec2(inset)));
    float row = floor((slot + 0.5) / cells.x);
    vec2 at = fill_place.zw + vec2(slot - row * cells.x, row) * tile_size.zw + texel;
    vec2 texture_size = vec2(textureSize(page, 0));
#ifdef ANISOTROPIC
    vec2 down = gx / texture_size, across = gy / texture_size;
    float most = exp2(last) / max(max(length(gx), length(gy)), 1e-6);
    float code = textureGrad(page, at / texture_size, down * min(1.0, most), across * min(1.0, most)).r;
#else
    float code = textureLod(page, at / texture_size, sampled).r;
#endif
    float far = clamp(level - last, 0.0, 1.0) * (1.0 - flawed);
    code = mix(code, tile.w, far);

    float value = tile.y + code * tile.z;
    // Range of the colours: the channel's own, unless it is constant or another was chosen.
    bool own = look.z < 0.5 && tile.z > 0.0;
    float low = own ? tile.y : wall_range.x;
    float high = own ? tile.y + tile.z : wall_range.y;
    float most_abs = own ? max(abs(low), abs(high)) : wall_range.z;
    float signed_t = 0.5 + 0.5 * value / max(most_abs, 1e-30);
    float unsigned_t = (value - low) / max(high - low, 1e-30);
    float t = look.y < 0.5 ? signed_t : unsigned_t;
    vec3 mapped = texelFetch(colors, ivec2(clamp(t, 0.0, 1.0) * 511.0 + 0.5, int(look.y)), 0).rgb;
    mapped = mix(mapped, FLAW, flawed * step(code, 0.001));

    vec3 result = mix(PANEL, mapped, cover);
    color = vec4(mix(AIR, result, seen), 1.0);
}
#endif
