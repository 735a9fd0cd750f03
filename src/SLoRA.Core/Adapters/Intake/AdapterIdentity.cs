namespace SLoRA.Adapters.Intake;

/// <summary>
/// What tells one state of an adapter from another: its content where that is known, else its headers; and how its files stood.
/// </summary>
/// <param name="Content">The content; null when it has not been read.</param>
/// <param name="Fingerprint">Hash of configuration and headers.</param>
/// <param name="Stamp">The files; null where there are none.</param>
internal readonly record struct AdapterIdentity(GenerationId? Content, ReadOnlyMemory<byte> Fingerprint, PackageStamp? Stamp)
{
    private const int ShownBytes = 6;

    /// <summary>For people, and equal for equal states.</summary>
    public override string ToString()
    {
        string identity =
            Content is { } content ? $"generation {content}" : "headers " + Convert.ToHexStringLower(Fingerprint.Span[..ShownBytes]);
        return Stamp is { } stamp ? $"{identity} ({stamp})" : identity;
    }
}
