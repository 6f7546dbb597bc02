// Floor and air where nothing solid was drawn: rectangles of the view, of which the horizon cuts off what is on its other
// side, at the far depth.
// The floor is found as the meeting of the view ray with y = 0, so it needs no geometry and never fights with what
// stands on it. Two shaders (FLOOR defined or not): a pixel of air would pay for the floor's lines.
// Numbers: render/background.py.

#ifdef VERTEX
#include "frame.glsl"
in vec4 ends;                 // lower left and upper right corner of a rectangle, in clip space
noperspective out vec3 ray;   // from the eye through the pixel: linear in the view; of the floor x and z are times its depth
noperspective out float grain;
flat out vec4 from_air;       // rgb of the air; w: strength of the noise
#ifdef FLOOR
flat out vec3 to_ground;      // what the ground has more than the air
flat out vec3 lit;            // ... and in the light around the visitor
flat out vec3 lines_add;
flat out vec4 origins;        // of both grids, as numbers of lines
flat out vec2 fog;            // clearness is 2^(x + y * square of the distance on the floor)
#else
flat out float darker;        // how much the air is overhead
#endif

void main() {
    vec2 clip = mix(ends.xy, ends.zw, vec2(gl_VertexID & 1, gl_VertexID >> 1));
    gl_Position = vec4(clip, 1.0, 1.0);
    vec4 far = world_from_clip * vec4(clip, 1.0, 1.0);
    ray = (far.xyz / far.w - eye.xyz) * 0.001;  // any length will do; this one keeps the numbers small
    // Interleaved gradient noise (Jimenez 2014) begins with a number that is linear in the view. (gl_FragCoord is no
    // cheaper: Mesa turns it round by a uniform.)
    grain = dot((clip * 0.5 + 0.5) * viewport.xy, vec2(0.06711056, 0.00583715));
    from_air = vec4(AIR, panel.w);
#ifdef FLOOR
    gl_ClipDistance[0] = eye.y > 0.0 ? -ray.y : -1.0;  // from under the floor there is only air
    ray.xz *= eye.y;
    to_ground = ground.rgb - AIR;
    lit = ground.rgb * ground.w;
    lines_add = line.rgb;
    origins = vec4(eye.xz + 0.5, eye.xz * 0.2 + 0.5);
    fog = vec2(eye.y * eye.y, 1.0) * (-1.44269504 * eye.w * eye.w);
#else
    // A hair's breadth (a hundredth of a pixel) more than there is of it, for GL need not cut both sides at the same
    // place. The floor comes after it.
    gl_ClipDistance[0] = eye.y > 0.0 ? ray.y + 1e-5 : 1.0;
    darker = line.w;
#endif
}
#endif

#ifdef FRAGMENT
noperspective in vec3 ray;
noperspective in float grain;
flat in vec4 from_air;
#ifdef FLOOR
flat in vec3 to_ground;
flat in vec3 lit;
flat in vec3 lines_add;
flat in vec4 origins;
flat in vec2 fog;
#else
flat in float darker;
#endif
out vec4 color;

// Coverage of grid lines at every integer of p; per_gradient: pixels per unit of p.
float lines(vec2 p, vec2 per_gradient, float half_width) {
    vec2 from_line = abs(fract(p) - 0.5);  // 0.5 on a line
    vec2 cover = clamp((half_width - 0.5 + from_line) * per_gradient + 0.5, 0.0, 1.0);
    cover = min(cover, 2.0 * half_width * per_gradient);
    return max(cover.x, cover.y);
}

void main() {
    // Half a step of noise: eight bits show bands in so dark a gradient.
    float noise = 1.0 + from_air.w * (fract(52.9829189 * fract(grain)) - 0.5);
#ifdef FLOOR
    vec2 d = ray.xz * (1.0 / max(-ray.y, 1e-6));
    vec2 per_gradient = 1.0 / max(abs(dFdx(d)) + abs(dFdy(d)), 1e-5);
    float away = dot(d, d);
    float seen = exp2(fog.x + fog.y * away);
    float pool = 1.0 / (1.0 + 0.012 * away);  // a soft light around the visitor
    // The strong lines keep clear of the middle of the aisle, where ribbons run.
    float fine = lines(d + origins.xy, per_gradient, 0.005) * 0.016;
    fine += lines(d * 0.2 + origins.zw, per_gradient * 5.0, 0.0018) * 0.034;
    vec3 result = from_air.rgb + seen * (to_ground + lit * pool + lines_add * (fine * (0.75 + 0.5 * pool)));
    color = vec4(result * noise, 1.0);
#else
    // Upwards the air darkens with the sine of the ray's height.
    float high = clamp(ray.y * inversesqrt(dot(ray, ray)) * 1.6, 0.0, 1.0);
    color = vec4(from_air.rgb * ((1.0 - darker * high) * noise), 1.0);
#endif
}
#endif
