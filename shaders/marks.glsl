// What hands draw into the air: rays, the arc of a teleport, its landing on the floor, reticles. One quad each, turned to
// the eye here, so that two eyes share one buffer. Numbers: render/hands.py (dtype MARK).
#include "frame.glsl"

// Kinds: render/hands.py.
const int STROKE = 0, RETICLE = 1, LANDING = 2;

#ifdef VERTEX
in vec4 start;        // xyz: where it is, or begins, in world; w: opacity there
in vec4 end;          // xyz: where a stroke ends; w: opacity there
in vec4 start_along;  // xyz: direction of a stroke at its start, or heading of a landing; w: kind
in vec4 end_along;    // xyz: direction of a stroke at its end; w: length of dashes in metres, 0 if solid
in vec4 size;         // x: half width or radius in metres, radians for a reticle; y: 1 when selecting;
                      // zw: metres along the whole line at start and end
in vec3 tint;         // linear

out vec2 local;       // across a stroke in its half widths; in radii otherwise
out float opacity;
out float along;
out float half_pixels;
flat out int kind;
flat out float dash;
flat out float chosen;
flat out vec3 hue;

void main() {
    vec2 unit = vec2(gl_VertexID & 1, gl_VertexID >> 1);
    kind = int(start_along.w + 0.5);
    vec3 world = start.xyz;
    vec3 away = world - eye.xyz;
    opacity = start.w;
    along = 0.0;
    half_pixels = 1.0;
    if (kind == STROKE) {
        world = mix(start.xyz, end.xyz, unit.x);
        away = world - eye.xyz;
        float pixel = length(away) / viewport.w;
        float half_width = max(size.x, 0.75 * pixel);  // thinner lines flicker when the head moves
        vec3 side = cross(mix(start_along.xyz, end_along.xyz, unit.x), away);
        side /= max(length(side), 1e-6);
        float edge = half_width + pixel;  // one pixel more for the soft edge
        local = vec2((unit.y * 2.0 - 1.0) * edge / half_width, 0.0);
        world += side * ((unit.y * 2.0 - 1.0) * edge);
        half_pixels = half_width / pixel;
        opacity = mix(start.w, end.w, unit.x) * sqrt(size.x / half_width);
        along = mix(size.z, size.w, unit.x);
    } else if (kind == RETICLE) {
        // Nearer along its own view ray: the picture is the same in each eye, and no wall that is seen at a slant hides
        // half of the ring.
        away *= 0.96;
        vec3 right = normalize(cross(away, vec3(world_from_clip[1])));  // upright in the view
        vec3 up = normalize(cross(right, away));
        local = (unit * 2.0 - 1.0) * 1.7;
        world = eye.xyz + away + (right * local.x + up * local.y) * (size.x * length(away));
    } else {
        vec3 ahead = start_along.xyz;
        vec3 right = vec3(-ahead.z, 0.0, ahead.x);
        local = (unit * 2.0 - 1.0) * 1.6;
        world += (right * local.x + ahead * local.y) * size.x;
    }
    gl_Position = clip_from_world * vec4(world, 1.0);
    opacity *= clearness(world);
    dash = end_along.w;
    chosen = size.y;
    hue = in_this_room(tint);
}
#endif

#ifdef FRAGMENT
in vec2 local;
in float opacity;
in float along;
in float half_pixels;
flat in int kind;
flat in float dash;
flat in float chosen;
flat in vec3 hue;
out vec4 color;

// Share of a pixel that is inside, from the distance to an outline and its change over a pixel.
float inside(float distance_out, float pixel) {
    return clamp(0.5 - distance_out / pixel, 0.0, 1.0);
}

void main() {
    float r = length(local);
    // Derivatives before any branch: neighbours may take another.
    float pixel = max(0.5 * (length(dFdx(local)) + length(dFdy(local))), 1e-5);
    float step_along = max(fwidth(along), 1e-5);
    vec3 ink = hue;
    float cover;
    if (kind == STROKE) {
        cover = clamp((1.0 - abs(local.x)) * half_pixels + 0.5, 0.0, 1.0);
        if (dash > 0.0) {
            float from_gap = (abs(fract(along / dash) - 0.5) - 0.17) * dash;
            cover *= clamp(0.5 - (from_gap - 0.16 * dash) / step_along, 0.0, 1.0);
        }
    } else if (kind == RETICLE) {
        // Dark around the light: it is seen on white channels too.
        float half_line = max(0.17, 0.75 * pixel);
        float line = inside(abs(r - 1.0 + 0.17) - half_line, pixel);
        line = max(line, chosen * inside(r - 0.5, pixel));
        float shade = 0.55 * (1.0 - smoothstep(1.0, 1.0 + 0.55, r)) * smoothstep(0.1, 0.6, r);
        cover = max(line, shade);
        ink = hue * (line / max(cover, 1e-4));
    } else {
        float ring = inside(abs(r - 0.975) - 0.025, pixel);
        float fill = (r < 1.0 ? 1.0 : 0.0) * (0.06 + 0.20 * r * r * r);
        // An arrow head outside the ring, towards where one would look.
        vec2 q = vec2(abs(local.x), local.y) - vec2(0.0, 1.42);
        vec2 arm = vec2(0.26, -0.22);
        float to_arm = length(q - arm * clamp(dot(q, arm) / dot(arm, arm), 0.0, 1.0));
        cover = max(max(ring, fill), inside(to_arm - 0.040, pixel));
    }
    color = vec4(ink, cover * opacity);
}
#endif
