namespace SLoRA.Text.Fuzz;

/// <summary>Something that takes any input and may answer with its own typed error, and with nothing else.</summary>
internal abstract class FuzzTarget
{
    /// <summary>The name on the command line.</summary>
    public abstract string Name { get; }

    /// <summary>Inputs to start from.</summary>
    public abstract IReadOnlyList<string> Seeds { get; }

    /// <summary>Pieces that mutations insert.</summary>
    public abstract IReadOnlyList<string> Words { get; }

    /// <summary>Feeds one input. Whatever it throws is a finding.</summary>
    public abstract void Execute(string input, Random random);
}
