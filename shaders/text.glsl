// Text: one quad per glyph, coverage from the signed-distance atlas. Numbers: render/text.py (dtype GLYPH).
// FLAT: over a view, in pixels from its upper left corner, y down.

#ifdef VERTEX
#include "frame.glsl"
in vec3 corner;   // lower left corner of the glyph's cell, world
in vec3 right;    // its lower edge
in vec3 up;       // its left edge
in vec4 uv;       // left, bottom, right, top in the atlas
in vec4 tint;     // linear, with alpha

out vec2 at;
out vec4 ink;
flat out vec4 rim_light;  // rgb: of the rim; w: 1 in a light room

void main() {
    vec2 unit = vec2(gl_VertexID & 1, gl_VertexID >> 1);
    vec3 world = corner + right * unit.x + up * unit.y;
#ifdef FLAT
    gl_Position = vec4(world.xy / viewport.xy * vec2(2.0, -2.0) + vec2(-1.0, 1.0), 0.0, 1.0);
#else
    gl_Position = clip_from_world * vec4(world, 1.0);
#endif
    rim_light = vec4(mix(AIR, panel.rgb, 0.65 * air.w), air.w);
    at = mix(uv.xy, uv.zw, unit);
    ink = in_this_room(tint);
#ifndef FLAT
    ink.a *= clearness(world);
#endif
}
#endif

#ifdef FRAGMENT
in vec2 at;
in vec4 ink;
flat in vec4 rim_light;
uniform sampler2D glyphs;
uniform float spread;  // texels from the outline to where the field ends
#ifndef FLAT
uniform float em;  // texels
#endif
out vec4 color;

void main() {
    vec2 texels = at * vec2(textureSize(glyphs, 0));
    vec2 gx = dFdx(texels), gy = dFdy(texels);
    float per_pixel = sqrt(max(0.5 * (dot(gx, gx) + dot(gy, gy)), 1e-8));
    float d = texture(glyphs, at).r;
    float inside = (d - 0.5) * 2.0 * spread / per_pixel;  // pixels from the outline
    float cover = clamp(inside + 0.5, 0.0, 1.0);
    // Coverage is mixed in linear light, in which dark strokes on a light ground come out thinner than light on dark.
    if (rim_light.w > 0.5) cover = sqrt(cover);
#ifdef FLAT
    color = vec4(ink.rgb, ink.a * cover);
#else
    // Names stand before tiles and before other names: a rim around the letters, as on maps, of the colour of the air.
    float pixels = em / per_pixel;
    float wide = max(min(0.12 * pixels, 0.9 * spread / per_pixel), 2.2);  // the field ends somewhere
    float rim = 0.75 * smoothstep(-wide, -0.2, inside);
    if (rim_light.w < 0.5) rim *= smoothstep(16.0, 26.0, pixels);  // small letters on a dark plate would be smeared
    float alpha = max(cover, rim);
    color = vec4(mix(rim_light.rgb, ink.rgb, cover / max(alpha, 1e-4)), ink.a * alpha);
#endif
}
#endif
