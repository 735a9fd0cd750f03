using ILGPU;

namespace SLoRA.Backends.Gpu.Kernels;

/// <summary>Which tokens are left, and how likely they are.</summary>
internal struct KeptTokens
{
    /// <summary>Where the row's logits begin.</summary>
    public long Row;

    /// <summary>The largest logit.</summary>
    public float Largest;

    /// <summary>What differences to it are divided by.</summary>
    public float Temperature;

    /// <summary>The lowest order that is left.</summary>
    public uint FromOrder;

    /// <summary>The order at which ties above <see cref="LastTie"/> were removed.</summary>
    public uint BorderOrder;

    /// <summary>The last id that is left at that order.</summary>
    public int LastTie;

    /// <summary>The lowest weight that is left.</summary>
    public float FromWeight;

    /// <summary>A logit's bits as an integer that orders as the logit does; the largest logit's is 2³¹.</summary>
    public readonly uint Order(ArrayView<float> logits, int token)
    {
        // Adding +0 turns −0 into +0.
        uint bits = Interop.FloatAsInt(Scaled(logits, token) + 0f);
        return (bits & 0x80000000u) != 0 ? ~bits : bits | 0x80000000u;
    }

    /// <summary>e^logit of a token that is left, else 0. The largest is 1.</summary>
    public readonly float Weight(ArrayView<float> logits, int token)
    {
        uint order = Order(logits, token);
        float weight = MathF.Exp(Scaled(logits, token));
        bool left = order >= FromOrder && weight >= FromWeight && (order != BorderOrder || token <= LastTie);
        return left ? weight : 0f;
    }

    private readonly float Scaled(ArrayView<float> logits, int token) => (logits[Row + token] - Largest) / Temperature;
}
