using System.Collections.Immutable;

namespace SLoRA.Formats;

/// <summary>One tensor of a safetensors file, as its checked header describes it.</summary>
/// <param name="Name">The name in the file.</param>
/// <param name="Type">The type of its elements.</param>
/// <param name="Shape">Its dimensions, outermost first; empty for a scalar. A dimension may be zero.</param>
/// <param name="Begin">The offset of its first byte, counted from the start of the file.</param>
/// <param name="Length">Its bytes: exactly what shape and type ask for.</param>
internal sealed record TensorEntry(string Name, TensorType Type, ImmutableArray<long> Shape, long Begin, long Length)
{
    /// <summary>The number of elements. Cannot overflow: the header was refused if it did.</summary>
    public long ElementCount
    {
        get
        {
            long count = 1;
            foreach (long dimension in Shape)
            {
                count *= dimension;
            }

            return count;
        }
    }

    /// <summary>The shape as people write it: <c>[32, 16]</c>.</summary>
    public string ShapeText => "[" + string.Join(", ", Shape) + "]";
}
