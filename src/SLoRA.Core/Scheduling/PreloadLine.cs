namespace SLoRA.Scheduling;

/// <summary>The preloads that have not ended, in the order of the calls. Belongs to the engine's thread.</summary>
internal sealed class PreloadLine
{
    private readonly LinkedList<Preload> _open = [];

    /// <summary>How many there are.</summary>
    public int Count => _open.Count;

    /// <summary>The one that somebody has waited for longest; null when nobody waits. The others follow its place.</summary>
    public Preload? First => _open.First?.Value;

    /// <summary>Puts one at the end.</summary>
    public void Add(Preload preload) => preload.Place = _open.AddLast(preload);

    /// <summary>Takes one out, from wherever it stands.</summary>
    public void Remove(Preload preload)
    {
        _open.Remove(preload.Place!);
        preload.Place = null;
    }
}
