namespace SLoRA.Step;

/// <summary>Which positions a row sees, its own included: all before it, the last few, those of its own chunk.</summary>
/// <param name="Window">How many, at most; null for all.</param>
/// <param name="Chunk">Positions of a chunk, counted from position 0; null for no chunks.</param>
internal readonly record struct Sight(int? Window = null, int? Chunk = null)
{
    /// <summary>Whether rows that are far enough on no longer see the first positions.</summary>
    public bool IsBounded => Window is not null || Chunk is not null;

    /// <summary>The most positions that a row sees.</summary>
    public int Reach => Math.Min(Window ?? int.MaxValue, Chunk ?? int.MaxValue);

    /// <summary>The first position that a row at a position sees. It never falls as positions rise.</summary>
    public int FirstVisible(int position)
    {
        int first = Window is { } window ? Math.Max(0, position - window + 1) : 0;
        return Chunk is { } chunk ? Math.Max(first, position / chunk * chunk) : first;
    }

    /// <summary>The same for sequences that are never longer: what none of them reaches is no bound.</summary>
    public Sight Within(int length) => new(Window < length ? Window : null, Chunk < length ? Chunk : null);
}
