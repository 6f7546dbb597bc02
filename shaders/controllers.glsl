// Controllers: one model, an instance for each hand, lit by a soft light from above. Model: render/controller.py,
// instances: render/hands.py (dtype HELD).
#include "frame.glsl"

#ifdef VERTEX
in vec3 place;    // in grip space, metres
in vec3 normal;
in float along;   // metres from the lower end; negative on stick and trigger
in vec4 world_x;  // rows of world_from_grip, with its scale
in vec4 world_y;
in vec4 world_z;
in float glow;    // of the lights: 1 at rest

out vec3 world;
out vec3 facing;
out float at;
flat out float light;

void main() {
    world = vec3(dot(world_x, vec4(place, 1.0)), dot(world_y, vec4(place, 1.0)), dot(world_z, vec4(place, 1.0)));
    facing = vec3(dot(world_x.xyz, normal), dot(world_y.xyz, normal), dot(world_z.xyz, normal));
    gl_Position = clip_from_world * vec4(world, 1.0);
    at = along;
    light = glow;
}
#endif

#ifdef FRAGMENT
in vec3 world;
in vec3 facing;
in float at;
flat in float light;
out vec4 color;

const vec3 LIGHT = normalize(vec3(0.25, 0.85, 0.45));  // as in panels.glsl
const vec3 SKY = vec3(0.80, 0.90, 1.00);
const vec3 BODY = vec3(0.046, 0.049, 0.056);
const vec3 HEAD = vec3(0.020, 0.022, 0.027);
const vec3 GLOW = vec3(0.16, 0.62, 0.90);

// 1 between two lengths of the body, with edges of a pixel.
float band(float low, float high, float pixel) {
    return clamp((at - low) / pixel + 0.5, 0.0, 1.0) * clamp((high - at) / pixel + 0.5, 0.0, 1.0);
}

void main() {
    vec3 n = normalize(facing);
    vec3 v = normalize(eye.xyz - world);
    float pixel = max(fwidth(at), 1e-5);
    vec3 skin = mix(BODY, HEAD, at < 0.0 ? 1.0 : clamp((at - 0.0865) / pixel + 0.5, 0.0, 1.0));

    // Light of a room rather than of a lamp: half of it reaches around (Lambert wrapped), the floor gives a little back.
    float wrapped = dot(n, LIGHT) * 0.5 + 0.5;
    vec3 result = skin * (0.14 + 2.3 * wrapped * wrapped * SKY);
    float gloss = max(dot(n, normalize(LIGHT + v)), 0.0);
    result += SKY * (0.036 * pow(gloss, 12.0) + 0.12 * pow(gloss, 100.0));
    // The edge catches light from behind, more of it above (Schlick 1994).
    float edge = pow(1.0 - max(dot(n, v), 0.0), 4.0);
    result += SKY * edge * (0.035 + 0.085 * clamp(0.5 + 0.5 * n.y, 0.0, 1.0));

    float ring = band(0.0865, 0.0890, pixel);
    float tip = at < 0.0 ? 0.0 : smoothstep(0.11155, 0.11185, at);
    // A little of the ring's light lies on the skin beside it.
    float halo = at < 0.0 ? 0.0 : exp(-abs(at - 0.0875) * 420.0);
    result += GLOW * (halo * 0.045 * light);
    result = mix(result, GLOW * (0.75 * light), max(ring, 0.0));
    result = mix(result, mix(GLOW, vec3(1.0), 0.35) * light, tip);
    color = vec4(mix(AIR, result, clearness(world)), 1.0);
}
#endif
