// Floor and air in one triangle over the whole view, drawn after all solid things where nothing was drawn: the floor
// is found as the meeting of the view ray with y = 0, so it needs no geometry and never fights with what stands on it.
#include "frame.glsl"

#ifdef VERTEX
out vec2 clip;
void main() {
    clip = vec2((gl_VertexID & 1) * 4 - 1, (gl_VertexID >> 1) * 4 - 1);
    gl_Position = vec4(clip, 1.0, 1.0);
}
#endif

#ifdef FRAGMENT
in vec2 clip;
out vec4 color;

const vec3 FLOOR = vec3(0.0105, 0.0125, 0.0170);
const vec3 LINE = vec3(0.55, 0.80, 1.00);

// Coverage of grid lines `half_width` metres to each side, at every metre of p; gradient: metres per pixel.
float lines(vec2 p, vec2 gradient, float half_width) {
    vec2 from_line = abs(fract(p - 0.5) - 0.5);
    vec2 cover = clamp((half_width - from_line) / gradient + 0.5, 0.0, 1.0);
    cover = min(cover, 2.0 * half_width / gradient);
    return max(cover.x, cover.y);
}

void main() {
    vec4 far = world_from_clip * vec4(clip, 1.0, 1.0);
    vec3 ray = far.xyz / far.w - eye.xyz;
    float slope = ray.y / length(ray);
    vec3 air = AIR * mix(1.0, 0.55, clamp(slope * 1.6, 0.0, 1.0));
    float t = -eye.y / min(ray.y, -1e-5);
    vec2 p = eye.xz + ray.xz * t;
    vec2 gradient = max(abs(dFdx(p)) + abs(dFdy(p)), 1e-5);
    vec2 d = p - eye.xz;
    float seen = ray.y < 0.0 ? clearness(vec3(p.x, 0.0, p.y)) : 0.0;
    float pool = exp(-dot(d, d) * 0.010);
    // The strong lines keep clear of the middle of the aisle, where ribbons run.
    float fine = lines(p + 0.5, gradient, 0.005) * 0.016 + lines(p / 5.0 + 0.5, gradient / 5.0, 0.0018) * 0.034;
    vec3 ground = FLOOR * (1.0 + 0.55 * pool) + LINE * fine * (0.75 + 0.5 * pool);
    // Half a step of noise: eight bits show bands in so dark and even a gradient (interleaved gradient noise, Jimenez 2014).
    float noise = fract(52.9829189 * fract(dot(gl_FragCoord.xy, vec2(0.06711056, 0.00583715)))) - 0.5;
    color = vec4(mix(air, ground, seen) * (1.0 + 0.10 * noise), 1.0);
}
#endif
