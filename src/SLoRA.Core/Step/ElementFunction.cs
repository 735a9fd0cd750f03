namespace SLoRA.Step;

/// <summary>What <see cref="ElementFunction"/> computes.</summary>
internal enum ElementFunctionKind
{
    /// <summary><c>A x</c>.</summary>
    Scale,

    /// <summary><c>A tanh(x / A)</c>.</summary>
    Cap,

    /// <summary><c>x / (1 + e⁻ˣ)</c>.</summary>
    Silu,

    /// <summary><c>x/2 · (1 + erf(x/√2))</c>.</summary>
    Gelu,

    /// <summary><c>x/2 · (1 + tanh(√(2/π) (x + 0.044715 x³)))</c>.</summary>
    GeluTanh,

    /// <summary><c>max(x, 0)²</c>.</summary>
    SquaredRelu,

    /// <summary><c>A x² + C x</c> for x > 0, else <c>B (e^min(x, D) − 1 − x) + C x</c>.</summary>
    Xielu,

    /// <summary><c>1 / (1 + e⁻ˣ)</c>.</summary>
    Sigmoid,

    /// <summary><c>min(max(x, −A), A)</c>.</summary>
    Clip,
}

/// <summary>A function of one number, with its constants.</summary>
internal readonly record struct ElementFunction(ElementFunctionKind Kind, float A = 0, float B = 0, float C = 0, float D = 0)
{
    /// <summary><c>factor · x</c>.</summary>
    public static ElementFunction Scale(float factor) => new(ElementFunctionKind.Scale, factor);

    /// <summary><c>cap · tanh(x / cap)</c>.</summary>
    public static ElementFunction Cap(float cap) => new(ElementFunctionKind.Cap, cap);

    /// <summary>What lies within ±<paramref name="limit"/>.</summary>
    public static ElementFunction Clip(float limit) => new(ElementFunctionKind.Clip, limit);

    /// <summary>An activation without constants.</summary>
    public static ElementFunction Of(Activation activation) => new(activation switch
    {
        Activation.Silu => ElementFunctionKind.Silu,
        Activation.Gelu => ElementFunctionKind.Gelu,
        Activation.GeluTanh => ElementFunctionKind.GeluTanh,
        _ => throw new ArgumentOutOfRangeException(nameof(activation), activation, "No such activation."),
    });
}
