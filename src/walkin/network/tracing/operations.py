"""What is known about operations by their name: the family they belong to and how they behave in a graph."""

from __future__ import annotations

_FAMILIES = {
    "conv": """conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d conv_tbc convolution
        deform_conv2d conv2d_relu conv1d_relu""",
    "linear": "linear bilinear addmm addmv linear_relu",
    "norm": """batch_norm instance_norm layer_norm group_norm rms_norm local_response_norm normalize
        native_layer_norm native_batch_norm native_group_norm renorm weight_norm cosine_similarity""",
    "activation": """relu relu6 leaky_relu elu selu celu gelu silu mish hardswish hardsigmoid hardtanh sigmoid tanh
        softplus softsign softmax log_softmax softmin prelu rrelu glu threshold logsigmoid log_sigmoid tanhshrink
        hardshrink softshrink gumbel_softmax swish sparsemax expit""",
    "add": "add sub subtract rsub addcmul addcdiv lerp",
    "mul": "mul multiply div divide true_divide floor_divide",
    "cat": "cat concat concatenate stack hstack vstack dstack column_stack row_stack block_diag",
    "pool": """max_pool1d max_pool2d max_pool3d avg_pool1d avg_pool2d avg_pool3d adaptive_avg_pool1d
        adaptive_avg_pool2d adaptive_avg_pool3d adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d lp_pool1d
        lp_pool2d lp_pool3d fractional_max_pool2d fractional_max_pool3d max_pool2d_with_indices
        max_pool1d_with_indices max_pool3d_with_indices roi_align roi_pool ps_roi_align ps_roi_pool mean
        adaptive_max_pool2d_with_indices""",
    "interpolate": """interpolate upsample upsample_nearest upsample_bilinear grid_sample pixel_shuffle
        pixel_unshuffle max_unpool1d max_unpool2d max_unpool3d fold upsample_nearest2d upsample_bilinear2d""",
    "attention": """scaled_dot_product_attention multi_head_attention_forward native_multi_head_attention
        flex_attention""",
    "matmul": """matmul bmm mm einsum baddbmm addbmm mv dot tensordot chain_matmul multi_dot inner outer vdot kron
        cdist""",
    "reshape": """view reshape reshape_as view_as permute transpose t T mT H mH adjoint flatten unflatten ravel squeeze
        unsqueeze expand expand_as broadcast_to broadcast_tensors repeat repeat_interleave tile chunk split tensor_split
        hsplit vsplit dsplit split_with_sizes unsafe_chunk unsafe_split unbind getitem select narrow slice contiguous to
        type type_as float double half bfloat16 int long short char byte bool cpu cuda clone detach detach_ alias data
        deepcopy movedim moveaxis swapaxes swapdims roll flip fliplr flipud rot90 pad constant_pad_nd index_select
        take gather take_along_dim masked_select diagonal diag tril triu as_strided view_as_real view_as_complex
        real imag unfold setitem copy_ copy index_copy index_put masked_scatter scatter slice_scatter select_scatter
        meshgrid cartesian_prod atleast_1d atleast_2d atleast_3d requires_grad_ requires_grad as_subclass positive
        channel_shuffle lift_fresh pin_memory align_to rename refine_names unsafe_split_with_sizes
        quantize_per_tensor dequantize pad_sequence nested_to_padded_tensor to_dense""",
    "other": """exp log log2 log10 log1p expm1 sqrt rsqrt pow square abs neg negative sign sin cos tan reciprocal
        clamp clip clamp_min clamp_max floor ceil round trunc frac erf fmod remainder nan_to_num masked_fill logit
        dropout dropout1d dropout2d dropout3d alpha_dropout feature_dropout feature_alpha_dropout bernoulli
        float_power sinc asin acos atan sinh cosh asinh acosh atanh cumsum""",
}

FAMILY = {name: family for family, names in _FAMILIES.items() for name in names.split()}

# Operations that map each value of their one input to a value of the output: they look like their input.
_ELEMENTWISE = frozenset(_FAMILIES["other"].split()) | {
    name for family in ("norm", "activation", "add", "mul") for name in _FAMILIES[family].split()
}

# Choosing, ordering and indexing: what post-processing is made of, beside reshapes.
_SELECTION = frozenset(
    """topk sort argsort argmax argmin max min amax amin nonzero where nms batched_nms unique gather index
    any all eq ne lt le gt ge logical_and logical_or logical_not isfinite isnan searchsorted bucketize""".split()
)

HEAVY = frozenset({"conv", "linear", "attention", "matmul"})
"""Families that hold weights or mix positions: the reason why a layer exists."""

_ARITHMETIC = {
    "radd": "add", "iadd": "add", "rsub": "sub", "isub": "sub", "rmul": "mul", "imul": "mul", "truediv": "div",
    "rtruediv": "div", "itruediv": "div", "rdiv": "div", "idiv": "div", "floordiv": "floor_divide", "rpow": "pow",
    "ipow": "pow", "rmatmul": "matmul", "imatmul": "matmul", "rfloordiv": "floor_divide", "mod": "remainder",
}  # fmt: skip


def plain_name(name: str) -> str:
    """`conv2d` of `_conv2d`, `add` of `__iadd__` and `add_`, `roi_align` of `torchvision::roi_align.default`."""
    name = name.rsplit("::", 1)[-1].split(".", 1)[0]
    if name.startswith("__") and name.endswith("__"):
        name = name[2:-2]
    name = _ARITHMETIC.get(name, name)
    return name.strip("_") or name


def family(name: str) -> str:
    """Family of the operation with this plain name, `other` for one that is not known."""
    return FAMILY.get(name, "other")


def is_elementwise(name: str) -> bool:
    """It maps each value to a value, so that with one input it can be shown together with what it follows."""
    return name in _ELEMENTWISE


def is_selection(name: str) -> bool:
    """It chooses, orders or compares: typical of what comes after the last layer of a detector."""
    return name in _SELECTION
