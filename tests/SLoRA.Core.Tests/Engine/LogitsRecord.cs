using System.Runtime.InteropServices;
using SLoRA.Requests;

namespace SLoRA.Core.Tests.Engine;

/// <summary>A hash of the bits of every row of logits of a sequence, by position.</summary>
internal sealed class LogitsRecord(bool wholePrompt = true) : LogitsTap
{
    public override bool WholePrompt => wholePrompt;

    public SortedDictionary<int, ulong> Rows { get; } = [];

    public override void Take(int position, ReadOnlySpan<float> logits)
    {
        ulong hash = 14695981039346656037;
        foreach (uint bits in MemoryMarshal.Cast<float, uint>(logits))
        {
            hash = (hash ^ bits) * 1099511628211;
        }

        Rows.Add(position, hash);
    }
}
