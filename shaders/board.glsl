// A part of the interface's texture as a quad, over the view or in the room. Numbers: render/board.py.

#ifdef VERTEX
uniform mat4 clip_from_panel;  // panel pixels, y down
uniform vec4 part;             // left, top, width, height
uniform vec2 size;             // of the whole panel

out vec2 at;

void main() {
    vec2 pixel = part.xy + part.zw * vec2(gl_VertexID & 1, 1 - (gl_VertexID >> 1));
    gl_Position = clip_from_panel * vec4(pixel, 0.0, 1.0);
    at = vec2(pixel.x / size.x, 1.0 - pixel.y / size.y);
}
#endif

#ifdef FRAGMENT
in vec2 at;
uniform sampler2D picture;  // sRGB, premultiplied
out vec4 color;

void main() {
    color = texture(picture, at);
    if (color.a == 0.0) discard;  // rounded corners hide nothing
}
#endif
