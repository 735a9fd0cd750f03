namespace SLoRA.Models.Families;

/// <summary>What a family knows about its rotation before the configuration is read.</summary>
internal sealed record RopeLayout
{
    /// <summary>Columns of a head, d.</summary>
    public required int HeadDim { get; init; }

    /// <summary>Positions that the model was made for.</summary>
    public required int Context { get; init; }

    /// <summary>The base of a file that gives none.</summary>
    public double Theta { get; init; } = 10000;

    /// <summary>Whether <c>partial_rotary_factor</c> says how many columns of a head turn.</summary>
    public bool IsPartial { get; init; }

    /// <summary>The share of columns that turn where the file does not say.</summary>
    public double Share { get; init; } = 1;

    /// <summary>Whether columns 2i and 2i + 1 turn together.</summary>
    public bool AdjacentPairs { get; init; }

    /// <summary>Whether the kind <c>longrope</c> is this family's.</summary>
    public bool HasLongRope { get; init; }

    /// <summary>Whether the kind <c>proportional</c> is this family's, and what a file that names no kind means.</summary>
    public bool HasProportional { get; init; }

    /// <summary>Whether the kind <c>dynamic</c> with <c>alpha</c> means a base that is fixed.</summary>
    public bool HasAlpha { get; init; }

    /// <summary>Whether rotations may be cut into sections for images, which mean nothing for text.</summary>
    public bool HasSections { get; init; }

    /// <summary>Whether queries grow with their position by <c>llama_4_scaling_beta</c>, which the family itself reads.</summary>
    public bool HasQueryScale { get; init; }
}
