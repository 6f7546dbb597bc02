// The uniform block of one view, the same in every shader; filled by render/shader.py (dtype FRAME: change both).
layout(std140) uniform Frame {
    mat4 clip_from_world;
    mat4 world_from_clip;
    vec4 eye;       // xyz: eye in world; w: 1 / fog distance
    vec4 viewport;  // width, height in pixels; time in s; pixels per radian at the centre
};

// Air of the room, linear light; towards the horizon a little lighter than overhead.
const vec3 AIR = vec3(0.0072, 0.0088, 0.0122);

// How much of a thing at this distance is seen through the air: 1 near, 0 in the fog.
float clearness(vec3 world) {
    vec3 d = (world - eye.xyz) * eye.w;
    return exp(-dot(d, d));
}
