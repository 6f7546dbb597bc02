// The uniform block of one view, the same in every shader; filled by render/shader.py (dtype FRAME: change both).
// Shaders of what fills a view include it in their vertex stage only, and hand on, flat, what fragments need of it: llvmpipe
// (Mesa 22.3) reads each component of a uniform of a block anew for each of eight pixels, 25 instructions for one number.
layout(std140) uniform Frame {
    mat4 clip_from_world;
    mat4 world_from_clip;
    vec4 eye;       // xyz: eye in world; w: 1 / fog distance
    vec4 viewport;  // width, height in pixels; time in s; pixels per radian at the centre
    vec4 air;       // rgb linear; w: 1 in a light room, 0 in a dark one
    vec4 ground;    // rgb linear of the floor; w: strength of the light around the visitor
    vec4 line;      // rgb linear that the floor's lines add; w: how much darker the air is overhead
    vec4 panel;     // rgb linear of a wall between its tiles; w: strength of the noise against bands
};

#define AIR air.rgb

#ifdef VERTEX
// A colour that was chosen for the dark room as it is to be in this one: in a light room the lightness of greys is turned
// round, ink for paper, while strong colours keep a middle lightness, on which either ground can be told from them.
vec3 in_this_room(vec3 tint) {
    if (air.w < 0.5) return tint;
    vec3 c = sqrt(max(tint, 0.0));  // nearly as the eye has it; a software renderer runs this in the dark room too
    float least = min(min(c.r, c.g), c.b);
    float strong = smoothstep(0.16, 0.45, max(max(c.r, c.g), c.b) - least);
    float lightness = dot(c, vec3(0.30, 0.55, 0.15));
    vec3 grey = vec3(1.0, 0.992, 0.970) * (0.93 - 0.86 * lightness);
    c -= 0.8 * least;  // paler on the dark ground than they need to be on a light one
    c = mix(grey, c * (0.33 / max(dot(c, vec3(0.30, 0.55, 0.15)), 0.01)), strong);
    return c * c;
}

// The same with opacity. Alpha from 2 on says that the colour is part of what is shown, and is left as it is.
vec4 in_this_room(vec4 tint) {
    return tint.a >= 2.0 ? vec4(tint.rgb, tint.a - 2.0) : vec4(in_this_room(tint.rgb), tint.a);
}
#endif

// How much of a thing at this distance is seen through the air: 1 near, 0 in the fog.
float clearness(vec3 world) {
    vec3 d = (world - eye.xyz) * eye.w;
    float q = dot(d, d);
    return exp(-mix(q, q * q, air.w));  // light air over dark tiles is seen from afar only, or their black would be grey
}
