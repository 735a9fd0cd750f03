using System.Collections.Immutable;

namespace SLoRA.Formats.Gguf;

/// <summary>How the parts of a weight make up the whole.</summary>
internal enum GgufJoinOrder
{
    /// <summary>Rows of the first, then rows of the second.</summary>
    Behind,

    /// <summary>Row by row in turn.</summary>
    InTurn,

    /// <summary>For each head the rows of keys, transposed, then those of values.</summary>
    KeysAndValuesOfLatent,

    /// <summary>For each key head of a delta net its rows of queries, keys, values and, out of the second part, z.</summary>
    ByKeyHead,
}

/// <summary>A weight of Hugging Face that a file has in parts.</summary>
/// <param name="HuggingFace">The module within its layer; {0} stands for the expert where all of them lie one behind the other.</param>
/// <param name="Parts">What the file calls the parts.</param>
/// <param name="Order">How they make up the whole.</param>
internal sealed record GgufJoin(string HuggingFace, ImmutableArray<string> Parts, GgufJoinOrder Order);
