// Photographs: one quad per picture, colours as they are. Numbers: render/pictures.py.
#include "frame.glsl"

#ifdef VERTEX
in vec3 corner;  // lower left, world
in vec3 right;
in vec3 up;
in vec4 uv;      // left, bottom, right, top on the page

out vec2 at;
out float seen;
flat out vec4 box;  // of the page: least and most
flat out vec3 room_air;

void main() {
    room_air = AIR;
    box = vec4(min(uv.xy, uv.zw), max(uv.xy, uv.zw));
    vec2 unit = vec2(gl_VertexID & 1, gl_VertexID >> 1);
    vec3 world = corner + right * unit.x + up * unit.y;
    gl_Position = clip_from_world * vec4(world, 1.0);
    at = mix(uv.xy, uv.zw, unit);
    seen = clearness(world);
}
#endif

#ifdef FRAGMENT
in vec2 at;
in float seen;
flat in vec4 box;
flat in vec3 room_air;
uniform sampler2D page;  // sRGB
out vec4 color;

void main() {
    // Half a texel of the coarser level is kept from the edges: beyond them is another picture.
    vec2 size = vec2(textureSize(page, 0));
    vec2 dx = dFdx(at) * size, dy = dFdy(at) * size;
    float level = max(0.0, 0.5 * log2(max(max(dot(dx, dx), dot(dy, dy)), 1e-12)));
    vec2 inset = min(0.5 * exp2(ceil(level)) / size, 0.5 * (box.zw - box.xy));
    vec2 inside = clamp(at, box.xy + inset, box.zw - inset);
    color = vec4(mix(room_air, textureGrad(page, inside, dFdx(at), dFdy(at)).rgb, seen), 1.0);
}
#endif
