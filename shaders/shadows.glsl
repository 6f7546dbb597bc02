// Soft dark contact of walls with the floor: one quad per wall around its foot line, darkening what is there.
#include "frame.glsl"

#ifdef VERTEX
in vec4 foot;      // xz of the left and of the right end, metres
in float reach;    // how far the shadow reaches, metres

out vec2 local;    // metres along the foot line from its middle, and across
flat out vec2 extent;
flat out float darkest;

void main() {
    vec2 a = foot.xy, b = foot.zw;
    vec2 along = (b - a) / max(length(b - a), 1e-4);
    vec2 across = vec2(-along.y, along.x);
    vec2 unit = vec2(gl_VertexID & 1, gl_VertexID >> 1) * 2.0 - 1.0;
    darkest = 0.62 - 0.36 * air.w;
    extent = vec2(length(b - a) * 0.5, reach);
    local = unit * (extent * vec2(1.0, 0.0) + reach);
    vec2 p = (a + b) * 0.5 + along * local.x + across * local.y;
    gl_Position = clip_from_world * vec4(p.x, 0.0, p.y, 1.0);
}
#endif

#ifdef FRAGMENT
in vec2 local;
flat in vec2 extent;
flat in float darkest;
out vec4 color;

void main() {
    vec2 away = vec2(max(abs(local.x) - extent.x, 0.0), local.y);
    float near = clamp(1.0 - length(away) / extent.y, 0.0, 1.0);
    color = vec4(0.0, 0.0, 0.0, darkest * near * near);
}
#endif
