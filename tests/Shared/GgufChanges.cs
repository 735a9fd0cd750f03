namespace SLoRA.Tests;

/// <summary>What a converter makes of single tensors of a layer; null for those that only change their names.</summary>
internal static class GgufChanges
{
    /// <summary>Queries, keys and values of all heads in one tensor and z in another.</summary>
    public static IEnumerable<(string, FloatTensor)>? Ungrouped(GgufSizes sizes, string name, FloatTensor tensor)
    {
        int key = sizes.DeltaKey, keys = key * sizes.DeltaKeys, own = sizes.DeltaValues / sizes.DeltaKeys * sizes.DeltaValue;
        int values = sizes.DeltaValues * sizes.DeltaValue, group = 2 * (key + own);
        return name switch
        {
            "linear_attn.in_proj_qkvz.weight" =>
            [
                ("attn_qkv.weight", tensor.Rows(0, row => row < keys ? (row / key * group) + (row % key)
                    : row < 2 * keys ? ((row - keys) / key * group) + key + (row % key)
                    : ((row - (2 * keys)) / own * group) + (2 * key) + ((row - (2 * keys)) % own), (2 * keys) + values)),
                ("attn_gate.weight", tensor.Rows(0, row => (row / own * group) + (2 * key) + own + (row % own), values)),
            ],
            "linear_attn.A_log" => [("ssm_a", tensor with { Values = [.. tensor.Values.Select(value => -MathF.Exp(value))] })],
            "linear_attn.conv1d.weight" => [("ssm_conv1d.weight", tensor.As(tensor.Shape[0], tensor.Shape[^1]))],
            "mlp.shared_expert_gate.weight" => [("ffn_gate_inp_shexp.weight", tensor.As(tensor.Values.Length))],
            _ => null,
        };
    }

    /// <summary>The first value head of each key head, then the second of each, and so on.</summary>
    public static IEnumerable<(string, FloatTensor)>? Tiled(GgufSizes sizes, string name, FloatTensor tensor)
    {
        int keys = 2 * sizes.DeltaKeys * sizes.DeltaKey, width = sizes.DeltaValue;
        return name switch
        {
            "linear_attn.in_proj_qkv.weight" => [("attn_qkv.weight", Moved(keys, width))],
            "linear_attn.in_proj_z.weight" => [("attn_gate.weight", Moved(0, width))],
            "linear_attn.in_proj_a.weight" => [("ssm_alpha.weight", Moved(0, 1))],
            "linear_attn.in_proj_b.weight" => [("ssm_beta.weight", Moved(0, 1))],
            "linear_attn.dt_bias" => [("ssm_dt.bias", Moved(0, 1))],
            "linear_attn.A_log" =>
                [("ssm_a", Moved(0, 1) with { Values = [.. Moved(0, 1).Values.Select(value => -MathF.Exp(value))] })],
            "linear_attn.conv1d.weight" => [("ssm_conv1d.weight", Moved(keys, width).As(tensor.Shape[0], tensor.Shape[^1]))],
            "linear_attn.out_proj.weight" =>
                [("ssm_out.weight", tensor.Rows(1, column => (Source(column / width) * width) + (column % width), (int)tensor.Shape[1]))],
            "mlp.shared_expert_gate.weight" => [("ffn_gate_inp_shexp.weight", tensor.As(tensor.Values.Length))],
            _ => null,
        };

        FloatTensor Moved(int first, int width) => tensor.Rows(
            0, row => row < first ? row : first + (Source((row - first) / width) * width) + ((row - first) % width), (int)tensor.Shape[0]);

        int Source(int head) => (head % sizes.DeltaKeys * (sizes.DeltaValues / sizes.DeltaKeys)) + (head / sizes.DeltaKeys);
    }

    public static IEnumerable<(string, FloatTensor)>? StackedExperts(string name, FloatTensor tensor) => name switch
    {
        "mlp.experts.gate_up_proj" =>
        [
            ("ffn_gate_exps.weight", tensor.Rows(1, row => row, OuterHalf(tensor))),
            ("ffn_up_exps.weight", tensor.Rows(1, row => OuterHalf(tensor) + row, OuterHalf(tensor))),
        ],
        "mlp.experts.down_proj" => [("ffn_down_exps.weight", tensor)],
        _ => null,
    };

    /// <summary>What is made of a recurrence: rates, shapes of vectors, norms by groups.</summary>
    public static IEnumerable<(string, FloatTensor)>? Recurrences(GgufSizes sizes, string name, FloatTensor tensor)
    {
        string own = name.Split('.', 2)[^1];
        return own switch
        {
            "A_log" => [("ssm_a", new FloatTensor([tensor.Shape[0], 1], [.. tensor.Values.Select(value => -MathF.Exp(value))]))],
            "D" => [("ssm_d", tensor.As(tensor.Shape[0], 1))],
            "norm.weight" => [("ssm_norm.weight", tensor.As(sizes.Groups, tensor.Shape[0] / sizes.Groups))],
            "conv1d.weight" => [("ssm_conv1d.weight", tensor.As(tensor.Shape[0], tensor.Shape[^1]))],
            _ => null,
        };
    }

    public static IEnumerable<(string, FloatTensor)>? GraniteExperts(string name, FloatTensor tensor) => name switch
    {
        "block_sparse_moe.input_linear.weight" =>
        [
            ("ffn_gate_exps.weight", tensor.Rows(1, row => row, OuterHalf(tensor))),
            ("ffn_up_exps.weight", tensor.Rows(1, row => OuterHalf(tensor) + row, OuterHalf(tensor))),
        ],
        "block_sparse_moe.output_linear.weight" => [("ffn_down_exps.weight", tensor)],
        "shared_mlp.input_linear.weight" =>
        [
            ("ffn_gate_shexp.weight", tensor.Rows(0, row => row, OuterHalf(tensor))),
            ("ffn_up_shexp.weight", tensor.Rows(0, row => OuterHalf(tensor) + row, OuterHalf(tensor))),
        ],
        _ => null,
    };

    public static Func<GgufSizes, string, FloatTensor, IEnumerable<(string, FloatTensor)>?> Only(
        string name, string gguf, Func<FloatTensor, FloatTensor> change) =>
        (_, tensor, values) => tensor == name ? [(gguf, change(values))] : null;

    /// <summary>For each head keys, transposed, and values.</summary>
    public static IEnumerable<(string, FloatTensor)>? LatentApart(GgufSizes sizes, string name, FloatTensor tensor)
    {
        if (name != "self_attn.kv_b_proj.weight")
        {
            return null;
        }

        FloatTensor heads = tensor.As(sizes.Heads, sizes.Plain + sizes.Value, tensor.Shape[1]);
        return
        [
            ("attn_k_b.weight", heads.Rows(1, row => row, sizes.Plain).Turned()),
            ("attn_v_b.weight", heads.Rows(1, row => sizes.Plain + row, sizes.Value)),
        ];
    }

    public static IEnumerable<(string, FloatTensor)>? GateAndUpInTurn(GgufSizes sizes, string name, FloatTensor tensor) => name switch
    {
        "mlp.experts.gate_up_proj" =>
        [
            ("ffn_gate_exps.weight", tensor.Turned().Rows(1, row => 2 * row, Half(tensor))),
            ("ffn_up_exps.weight", tensor.Turned().Rows(1, row => (2 * row) + 1, Half(tensor))),
        ],
        "mlp.experts.gate_up_proj_bias" =>
        [
            ("ffn_gate_exps.bias", tensor.Rows(1, row => 2 * row, Half(tensor))),
            ("ffn_up_exps.bias", tensor.Rows(1, row => (2 * row) + 1, Half(tensor))),
        ],
        "mlp.experts.down_proj" => [("ffn_down_exps.weight", tensor.Turned())],
        "mlp.experts.down_proj_bias" => [("ffn_down_exps.bias", tensor)],
        _ => null,
    };

    public static IEnumerable<(string, FloatTensor)>? GateBeforeUp(GgufSizes sizes, string name, FloatTensor tensor) => name switch
    {
        "feed_forward.experts.gate_up_proj" =>
        [
            ("ffn_gate_exps.weight", tensor.Turned().Rows(1, row => row, Half(tensor))),
            ("ffn_up_exps.weight", tensor.Turned().Rows(1, row => Half(tensor) + row, Half(tensor))),
        ],
        "feed_forward.experts.down_proj" => [("ffn_down_exps.weight", tensor.Turned())],
        _ => null,
    };

    /// <summary>They stand among the keys.</summary>
    public static IEnumerable<(string, FloatTensor)>? NoConstants(GgufSizes sizes, string name, FloatTensor tensor) =>
        name.StartsWith("mlp.act_fn.", StringComparison.Ordinal) ? [] : null;

    /// <summary>Half of the last dimension.</summary>
    private static int Half(FloatTensor tensor) => (int)tensor.Shape[^1] / 2;

    /// <summary>Half of the last dimension but one.</summary>
    private static int OuterHalf(FloatTensor tensor) => (int)tensor.Shape[^2] / 2;
}
