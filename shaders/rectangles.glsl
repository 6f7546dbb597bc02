// Flat rectangles with round corners, in world, and (FLAT) behind overlay text, in pixels from the upper left corner of the
// view. Numbers: render/rectangles.py.

#ifdef VERTEX
#include "frame.glsl"
in vec3 corner;
in vec3 right;
in vec3 up;
in vec4 tint;
in float radius;  // of the corners, in the unit of `right`

out vec2 from_centre;
flat out vec2 half_size;
flat out vec4 ink;
flat out float round;

void main() {
    vec2 unit = vec2(gl_VertexID & 1, gl_VertexID >> 1);
    vec3 world = corner + right * unit.x + up * unit.y;
#ifdef FLAT
    gl_Position = vec4(world.xy / viewport.xy * vec2(2.0, -2.0) + vec2(-1.0, 1.0), 0.0, 1.0);
#else
    gl_Position = clip_from_world * vec4(world, 1.0);
#endif
    half_size = 0.5 * vec2(length(right), length(up));
    from_centre = (unit * 2.0 - 1.0) * half_size;
    ink = in_this_room(tint);
#ifndef FLAT
    ink.a *= clearness(world);
#endif
    round = radius;
}
#endif

#ifdef FRAGMENT
in vec2 from_centre;
flat in vec2 half_size;
flat in vec4 ink;
flat in float round;
out vec4 color;

void main() {
    vec2 q = abs(from_centre) - half_size + round;
    float outside = length(max(q, 0.0)) + min(max(q.x, q.y), 0.0) - round;
    float cover = clamp(0.5 - outside / max(fwidth(outside), 1e-6), 0.0, 1.0);
    color = vec4(ink.rgb, ink.a * cover);
}
#endif
