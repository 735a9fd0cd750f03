namespace SLoRA.Adapters.Resident;

/// <summary>
/// Knows whose turn comes next. What that one needs stays in main memory whatever the bound: without it, those who wait would load for ever
/// what the others push out.
/// </summary>
internal interface INeededNext
{
    /// <summary>Whether the request or the preload whose turn comes next needs a generation.</summary>
    bool Needs(Generation generation);
}
