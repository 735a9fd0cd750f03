namespace SLoRA.Core.Tests.Backends.Gpu.Ptx;

/// <summary>An instruction: <c>@%p1 ld.global.f32 %f1, [%rd1+4];</c></summary>
/// <param name="Text">As it is written.</param>
/// <param name="Words">Its name, cut at the dots: the operation first.</param>
/// <param name="Operands">Its operands.</param>
/// <param name="Predicate">The register that says which lanes take part, or −1.</param>
/// <param name="IsNegated">Whether those take part for which it is false.</param>
internal sealed record PtxInstruction(string Text, string[] Words, PtxOperand[] Operands, int Predicate, bool IsNegated)
{
    /// <summary>The operation.</summary>
    public string Operation => Words[0];

    /// <summary>The type that its name ends in.</summary>
    public PtxType Type { get; } = PtxType.Find(Words[^1]) ?? PtxType.B32;

    /// <summary>Where a branch goes.</summary>
    public int Target { get; set; } = -1;

    /// <summary>What it does for the lanes that take part; null for control flow.</summary>
    public Action<Warp, uint>? Execute { get; set; }

    /// <summary>Whether all lanes of a warp have to do it together.</summary>
    public bool IsCollective { get; } = Words[0] is "bar" or "barrier" || Array.IndexOf(Words, "sync", 1) > 0;

    /// <summary>Whether a word is part of the name.</summary>
    public bool Has(string word) => Array.IndexOf(Words, word, 1) > 0;

    /// <inheritdoc/>
    public override string ToString() => Text;
}
