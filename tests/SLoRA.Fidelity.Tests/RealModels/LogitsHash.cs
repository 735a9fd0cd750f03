using System.Numerics;
using System.Runtime.InteropServices;
using SLoRA.Requests;

namespace SLoRA.Fidelity.Tests.RealModels;

/// <summary>
/// A hash of the bits of every row of logits of a request: two requests with equal hashes have seen the same numbers to the last bit.
/// </summary>
internal sealed class LogitsHash(bool wholePrompt) : LogitsTap
{
    public override bool WholePrompt => wholePrompt;

    /// <summary>By position.</summary>
    public SortedDictionary<int, ulong> Rows { get; } = [];

    public override void Take(int position, ReadOnlySpan<float> logits)
    {
        // Multiply and rotate, as in FNV, 8 bytes at a time: any changed bit changes the hash.
        ulong hash = 14695981039346656037;
        foreach (uint bits in MemoryMarshal.Cast<float, uint>(logits))
        {
            hash = BitOperations.RotateLeft((hash ^ bits) * 0x9E3779B97F4A7C15, 29);
        }

        Rows.Add(position, hash);
    }
}
