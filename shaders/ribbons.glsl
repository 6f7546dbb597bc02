// Edges of the graph: strips on the floor, never thinner than about a pixel. Vertices: render/ribbons.py.

#ifdef VERTEX
#include "frame.glsl"
in vec4 place;   // x, z of the middle line in world; unit normal to it (x, z)
in vec4 stroke;  // side (-1 or 1); metres along; half width in metres; dash length in metres, 0 if solid
in vec3 tint;    // linear

out float side;
out float along;
out float cover;
out float seen;
out float half_pixels;
flat out float dash;
flat out vec3 hue;

void main() {
    vec3 middle = vec3(place.x, 0.0, place.y);
    float pixel = distance(middle, eye.xyz) / viewport.w;
    float half_width = max(stroke.z, 0.6 * pixel);
    cover = stroke.z / half_width;
    float edge = half_width + pixel;          // one pixel more for the soft edge
    side = stroke.x * edge / half_width;
    half_pixels = half_width / pixel;
    vec3 world = middle + vec3(place.z, 0.0, place.w) * stroke.x * edge;
    gl_Position = clip_from_world * vec4(world, 1.0);
    seen = clearness(world);
    along = stroke.y;
    dash = stroke.w;
    hue = in_this_room(tint);
}
#endif

#ifdef FRAGMENT
in float side;
in float along;
in float cover;
in float seen;
in float half_pixels;
flat in float dash;
flat in vec3 hue;
out vec4 color;

void main() {
    float soft = clamp((1.0 - abs(side)) * half_pixels + 0.5, 0.0, 1.0);
    float dashed = dash > 0.0 ? smoothstep(0.45, 0.5, abs(fract(along / dash) - 0.5) * 2.0) : 1.0;
    color = vec4(hue, soft * cover * seen * dashed);
}
#endif
