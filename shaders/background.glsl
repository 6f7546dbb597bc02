// Floor and air where nothing solid was drawn, each a polygon of the view on its side of the horizon, at the far depth.
// The floor is found as the meeting of the view ray with y = 0, so it needs no geometry and never fights with what
// stands on it. Two shaders (FLOOR defined or not): a pixel of air would pay for the floor's lines.
// Numbers: render/background.py.
#include "frame.glsl"

#ifdef VERTEX
in vec2 clip;
out vec3 ray;  // from the eye through the pixel: linear in the view, so the corners' rays may be interpolated

void main() {
    gl_Position = vec4(clip, 1.0, 1.0);
    vec4 far = world_from_clip * vec4(clip, 1.0, 1.0);
    ray = (far.xyz / far.w - eye.xyz) * 0.001;  // any length will do; this one keeps the numbers small
}
#endif

#ifdef FRAGMENT
in vec3 ray;
out vec4 color;

// Coverage of grid lines at every integer of p; per_gradient: pixels per unit of p.
float lines(vec2 p, vec2 per_gradient, float half_width) {
    vec2 from_line = abs(fract(p) - 0.5);  // 0.5 on a line
    vec2 cover = clamp((half_width - 0.5 + from_line) * per_gradient + 0.5, 0.0, 1.0);
    cover = min(cover, 2.0 * half_width * per_gradient);
    return max(cover.x, cover.y);
}

void main() {
#ifdef FLOOR
    vec2 d = ray.xz * (eye.y / max(-ray.y, 1e-6));
    vec2 p = eye.xz + d;
    vec2 per_gradient = 1.0 / max(abs(dFdx(d)) + abs(dFdy(d)), 1e-5);
    float away = dot(d, d);
    float seen = exp(-(away + eye.y * eye.y) * eye.w * eye.w);
    float pool = 1.0 / (1.0 + 0.012 * away);  // a soft light around the visitor
    // The strong lines keep clear of the middle of the aisle, where ribbons run.
    float fine = lines(p + 0.5, per_gradient, 0.005) * 0.016 + lines(p * 0.2 + 0.5, per_gradient * 5.0, 0.0018) * 0.034;
    vec3 result = mix(AIR, ground.rgb * (1.0 + ground.w * pool) + line.rgb * (fine * (0.75 + 0.5 * pool)), seen);
#else
    // Upwards the air darkens with the sine of the ray's height.
    vec3 result = AIR * (1.0 - line.w * clamp(ray.y * inversesqrt(dot(ray, ray)) * 1.6, 0.0, 1.0));
#endif
    // Half a step of noise: eight bits show bands in so dark a gradient (interleaved gradient noise, Jimenez 2014).
    float noise = fract(52.9829189 * fract(dot(gl_FragCoord.xy, vec2(0.06711056, 0.00583715)))) - 0.5;
    color = vec4(result * (1.0 + panel.w * noise), 1.0);
}
#endif
