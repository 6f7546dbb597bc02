// The dark edge of a view around a round opening: a ring of quads without a buffer. Numbers: render/vignette.py.

uniform vec4 tangents;  // of the view's edges: left, right, down, up
uniform vec2 opening;   // half angle that stays clear, and the angle over which it darkens, radians

#ifdef VERTEX
out vec2 slope;  // tangents of the pixel's direction: linear in the view

void main() {
    float turn = float(gl_VertexID >> 1) * (6.28318531 / float(SEGMENTS));
    // Corners of the inner edge lie on the opening, so its chords cut a hair into it, where nothing is dark yet. The
    // outer edge is outside every view.
    slope = vec2(cos(turn), sin(turn)) * ((gl_VertexID & 1) == 0 ? tan(opening.x) : 20.0);
    gl_Position = vec4((2.0 * slope - tangents.xz - tangents.yw) / (tangents.yw - tangents.xz), 0.0, 1.0);
}
#endif

#ifdef FRAGMENT
in vec2 slope;
out vec4 color;

void main() {
    color = vec4(0.0, 0.0, 0.0, smoothstep(0.0, 1.0, (atan(length(slope)) - opening.x) / opening.y));
}
#endif
