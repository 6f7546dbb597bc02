// Floor and air in one triangle over the whole view, drawn after all solid things where nothing was drawn: the floor
// is found as the meeting of the view ray with y = 0, so it needs no geometry and never fights with what stands on it.
#include "frame.glsl"

#ifdef VERTEX
out vec3 ray;  // from the eye through the pixel: linear in the view, so the corners' rays may be interpolated
void main() {
    vec2 clip = vec2((gl_VertexID & 1) * 4 - 1, (gl_VertexID >> 1) * 4 - 1);
    gl_Position = vec4(clip, 1.0, 1.0);
    vec4 far = world_from_clip * vec4(clip, 1.0, 1.0);
    ray = (far.xyz / far.w - eye.xyz) * eye.w * 0.02;  // any length will do; this one keeps the numbers small
}
#endif

#ifdef FRAGMENT
in vec3 ray;
out vec4 color;

const vec3 FLOOR = vec3(0.0105, 0.0125, 0.0170);
const vec3 LINE = vec3(0.55, 0.80, 1.00);

// Coverage of grid lines at every integer of p. gradient: change of p per pixel.
float lines(vec2 p, vec2 per_gradient, float half_width) {
    vec2 from_line = abs(fract(p) - 0.5);  // 0.5 on a line
    vec2 cover = clamp((half_width - 0.5 + from_line) * per_gradient + 0.5, 0.0, 1.0);
    cover = min(cover, 2.0 * half_width * per_gradient);
    return max(cover.x, cover.y);
}

void main() {
    float t = -eye.y / min(ray.y, -1e-5);
    vec2 d = ray.xz * t;
    vec2 p = eye.xz + d;
    vec2 per_gradient = 1.0 / max(abs(dFdx(d)) + abs(dFdy(d)), 1e-5);
    float away = dot(d, d);
    float seen = ray.y < 0.0 ? exp(-(away + eye.y * eye.y) * eye.w * eye.w) : 0.0;
    float pool = 1.0 / (1.0 + 0.012 * away);  // a soft light around the visitor
    // The strong lines keep clear of the middle of the aisle, where ribbons run.
    float fine = lines(p + 0.5, per_gradient, 0.005) * 0.016 + lines(p * 0.2 + 0.5, per_gradient * 5.0, 0.0018) * 0.034;
    vec3 ground = FLOOR * (1.0 + 0.55 * pool) + LINE * (fine * (0.75 + 0.5 * pool));
    // Upwards the air darkens; inversesqrt is the length's share of the ray's rise.
    vec3 air = AIR * (1.0 - 0.45 * clamp(ray.y * inversesqrt(dot(ray, ray)) * 1.6, 0.0, 1.0));
    // Half a step of noise: eight bits show bands in so dark a gradient (interleaved gradient noise, Jimenez 2014).
    float noise = fract(52.9829189 * fract(dot(gl_FragCoord.xy, vec2(0.06711056, 0.00583715)))) - 0.5;
    color = vec4(mix(air, ground, seen) * (1.0 + 0.10 * noise), 1.0);
}
#endif
