namespace SLoRA.Formats;

/// <summary>A format whose elements are signed bytes times a scale that 32 of them share.</summary>
internal interface IScaledIntegers
{
    /// <summary>Elements that share a scale.</summary>
    const int GroupElements = 32;

    /// <summary>Gives the integers of a group of a block, and their scale.</summary>
    /// <param name="block">The block.</param>
    /// <param name="group">Which of its groups.</param>
    /// <param name="integers">Filled.</param>
    float ReadIntegers(ReadOnlySpan<byte> block, int group, Span<sbyte> integers);
}
