// The panel's texture: triangles of imgui. Numbers: ui/painter.py. What comes out is premultiplied and linear.

#ifdef VERTEX
in vec2 at;      // panel pixels, y down
in vec2 uv;
in vec4 tint;    // sRGB, straight alpha
uniform vec2 size;

out vec2 texel;
out vec4 light;

void main() {
    gl_Position = vec4(2.0 * at.x / size.x - 1.0, 1.0 - 2.0 * at.y / size.y, 0.0, 1.0);
    texel = uv;
    vec3 dark = tint.rgb / 12.92;
    vec3 bright = pow((tint.rgb + 0.055) / 1.055, vec3(2.4));  // IEC 61966-2-1
    light = vec4(mix(dark, bright, greaterThan(tint.rgb, vec3(0.04045))), tint.a);
}
#endif

#ifdef FRAGMENT
in vec2 texel;
in vec4 light;
uniform sampler2D picture;
out vec4 color;

void main() {
    vec4 straight = light * texture(picture, texel);
    color = vec4(straight.rgb * straight.a, straight.a);
}
#endif
