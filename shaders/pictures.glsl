// Photographs: one quad per picture, colours as they are. Numbers: render/pictures.py.
#include "frame.glsl"

#ifdef VERTEX
in vec3 corner;  // lower left, world
in vec3 right;
in vec3 up;
in vec4 uv;      // left, bottom, right, top on the page

out vec2 at;
out float seen;

void main() {
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
uniform sampler2D page;  // sRGB
out vec4 color;

void main() {
    color = vec4(mix(AIR, texture(page, at).rgb, seen), 1.0);
}
#endif
