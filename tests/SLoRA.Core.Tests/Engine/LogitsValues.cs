using System.Runtime.InteropServices;
using System.Security.Cryptography;
using NUnit.Framework;
using SLoRA.Requests;

namespace SLoRA.Core.Tests.Engine;

/// <summary>The logits of all rows of a request, to be compared with those of another.</summary>
internal sealed class LogitsValues : LogitsTap
{
    private readonly SortedDictionary<int, float[]> _rows = [];

    public override bool WholePrompt => true;

    public int Width => _rows.Values.Select(row => row.Length).Distinct().Single();

    public override void Take(int position, ReadOnlySpan<float> logits) => _rows.Add(position, logits.ToArray());

    public float LargestDifference(LogitsValues other)
    {
        Assert.That(_rows.Keys, Is.EqualTo(other._rows.Keys).And.Not.Empty);
        Assert.That(Width, Is.EqualTo(other.Width));
        return _rows.Max(row => row.Value.Zip(other._rows[row.Key], (a, b) => MathF.Abs(a - b)).Max());
    }

    /// <summary>A hash over all of their bits, by which another process can compare them.</summary>
    public string Digest() => Convert.ToHexString(SHA256.HashData(MemoryMarshal.AsBytes<float>([.. _rows.Values.SelectMany(row => row)])));
}
