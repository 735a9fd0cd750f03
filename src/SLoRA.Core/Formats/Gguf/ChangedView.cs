using System.Numerics.Tensors;
using System.Runtime.InteropServices;

namespace SLoRA.Formats.Gguf;

/// <summary>What a converter does to every number of a vector.</summary>
internal enum GgufChange
{
    /// <summary>w is stored as 1 + w. Of numbers from 1/2 to 2 nothing is lost by taking it away.</summary>
    PlusOne,

    /// <summary>w is stored as −exp(w).</summary>
    NegatedExponential,
}

/// <summary>A vector of 32-bit numbers, each of which is stored changed.</summary>
/// <param name="Stored">The numbers as they are stored.</param>
/// <param name="Change">What was done to them.</param>
internal sealed record ChangedView(GgufView Stored, GgufChange Change) : GgufView(Stored.Tensor, Stored.File)
{
    /// <inheritdoc/>
    public override void Read(long offset, Span<byte> destination)
    {
        if (Tensor.Type.Format != WeightFormat.F32)
        {
            throw Error($"has the type {Tensor.Type.Name}; what is stored changed is F32");
        }

        Stored.Read(offset, destination);
        Span<float> values = MemoryMarshal.Cast<byte, float>(destination);
        if (Change == GgufChange.PlusOne)
        {
            TensorPrimitives.Subtract(values, 1, values);
            return;
        }

        if (values.ContainsAnyExceptInRange(float.MinValue, -float.Epsilon))
        {
            throw Error("has a rate that is not below 0");
        }

        TensorPrimitives.Negate(values, values);
        TensorPrimitives.Log(values, values);
    }
}
