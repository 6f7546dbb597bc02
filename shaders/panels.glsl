// Boxes: the bodies of walls, frames and boards. One instance per box; the front face is left out where a wall's
// tiles or a picture cover it. Numbers: render/panels.py (dtype PANEL).

#ifdef VERTEX
#include "frame.glsl"
in vec4 corner_front;  // xyz: lower left front corner in world; w: share of the height that the front face has
in vec4 right_depth;   // xyz: lower edge; w: depth in metres
in vec4 up_glow;       // xyz: left edge; w: strength of the line of light at the foot
in vec4 tint;          // rgb linear, a unused

out vec3 shade;
out float seen;
out float height;
flat out float glow;
flat out vec4 room;  // rgb of the air; w: 1 in a light one

const int FACE[30] = int[](0,1,2, 2,1,3,  5,4,7, 7,4,6,  1,5,3, 3,5,7,  4,0,6, 6,0,2,  2,3,6, 6,3,7);
const vec3 LIGHT = normalize(vec3(0.25, 0.85, 0.45));

void main() {
    int id = gl_VertexID < 30 ? FACE[gl_VertexID] : 0;
    int side = gl_VertexID / 6;  // 0 front, 1 back, 2 right, 3 left, 4 top
    vec3 depth_axis = -normalize(cross(right_depth.xyz, up_glow.xyz));
    vec3 unit = vec3(id & 1, (id >> 1) & 1, id >> 2);
    if (side == 0) unit.y *= corner_front.w;  // the rest is behind tiles
    vec3 world = corner_front.xyz + right_depth.xyz * unit.x + up_glow.xyz * unit.y
               + depth_axis * right_depth.w * unit.z;
    vec3 normal = side == 0 ? -depth_axis : side == 1 ? depth_axis
                : side == 2 ? normalize(right_depth.xyz) : side == 3 ? -normalize(right_depth.xyz) : vec3(0, 1, 0);
    float lit = max(dot(normal, LIGHT), 0.0);
    shade = air.w > 0.5 ? panel.rgb * (0.80 + 0.30 * lit) : tint.rgb * (0.75 + 0.75 * lit);
    // Tiles and pictures lie 2 to 4 mm before their box: far away depth alone would not tell them apart. A thousandth further
    // off, it is seen at the same place. (GL's polygon offset goes by the slope, which puts a side that is seen edge-on
    // behind everything, and the background over it.)
    gl_Position = clip_from_world * vec4(world + (world - eye.xyz) * 0.001, 1.0);
    seen = clearness(world);
    height = world.y;
    glow = side == 0 ? up_glow.w : 0.0;
    room = air;
}
#endif

#ifdef FRAGMENT
in vec3 shade;
in float seen;
in float height;
flat in float glow;
flat in vec4 room;
out vec4 color;

void main() {
    float line_of_light = glow * (1.0 - smoothstep(0.015, 0.03, height));
    vec3 result = mix(shade, shade * (1.0 - room.w) + vec3(0.10, 0.42, 0.62), line_of_light);
    color = vec4(mix(room.rgb, result, seen), 1.0);
}
#endif
