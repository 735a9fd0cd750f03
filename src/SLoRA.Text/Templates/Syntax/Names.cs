namespace SLoRA.Text.Templates;

/// <summary>
/// What one region of a template knows of names before it runs. The language decides statically: a name that a region assigns belongs to it
/// from its start, so regions within it that read the name before the assignment see nothing, even where the inputs have such a variable.
/// </summary>
internal sealed class Names(Names? outer, Names? before = null)
{
    private readonly HashSet<string> _known = new(StringComparer.Ordinal);
    private readonly HashSet<string> _unset = new(StringComparer.Ordinal);

    /// <summary>The names that are unset when the region starts.</summary>
    public IReadOnlyCollection<string> Unset => _unset;

    public void Parameter(string name) => _known.Add(name);

    public void Read(string name)
    {
        if (!Knows(name))
        {
            _known.Add(name);
        }
    }

    public void Store(string name)
    {
        if (!Knows(name))
        {
            _unset.Add(name);
        }

        _known.Add(name);
    }

    /// <summary>What one branch of a condition adds to this.</summary>
    public Names Branch() => new(Outer, this);

    /// <summary>
    /// Takes over what branches know. What only they may assign keeps its value from outside until then, so it is not unset.
    /// </summary>
    public void Join(List<Names> branches)
    {
        foreach (Names branch in branches)
        {
            _known.UnionWith(branch._known);
        }
    }

    private bool Knows(string name)
    {
        for (Names? region = this; region is not null; region = region.Before ?? region.Outer)
        {
            if (region._known.Contains(name))
            {
                return true;
            }
        }

        return false;
    }

    private Names? Before { get; } = before;

    private Names? Outer { get; } = outer;
}
