namespace SLoRA.Step;

/// <summary>
/// A recurrence whose state is a matrix S <c>[n, p]</c> for each head. At every row, for head h of the group g that it shares key and query
/// with:
/// <code>
/// step  = softplus(StepScale · a + bias[h])
/// decay = exp(−rate[h] · step)
/// u     = step · v                               a scan,
/// u     = sigmoid(b) · (v − decay · Sᵀ k)        or the delta rule
/// S     = decay · S + k uᵀ
/// y     = Sᵀ q + skip[h] · v
/// </code>
/// The delta rule brings k and q to unit length first, <c>x / √(Σ x² + 1e-6)</c>, and divides q by √n. Rows are taken one after another:
/// the sums have one order whatever chunks a prompt comes in.
/// </summary>
internal sealed record Recurrence
{
    /// <summary>The most columns of a key, n.</summary>
    public const int MostKeyColumns = 256;

    /// <summary>What is added to the sum of squares of keys and queries.</summary>
    public const float LengthEpsilon = 1e-6f;

    /// <summary>Heads, H: states.</summary>
    public required int Heads { get; init; }

    /// <summary>Groups of consecutive heads, each with one key and one query; divides <see cref="Heads"/>.</summary>
    public required int Groups { get; init; }

    /// <summary>Columns of a key and of a query, n: rows of a state.</summary>
    public required int KeyColumns { get; init; }

    /// <summary>Columns of a head's value, p: columns of a state.</summary>
    public required int ValueColumns { get; init; }

    /// <summary>Where the queries of all groups begin in a row.</summary>
    public required int FirstQuery { get; init; }

    /// <summary>Where the keys begin.</summary>
    public required int FirstKey { get; init; }

    /// <summary>Where the values of all heads begin.</summary>
    public required int FirstValue { get; init; }

    /// <summary>Where a of all heads begins, in the rows of steps.</summary>
    public required int FirstStep { get; init; }

    /// <summary>What a is multiplied by.</summary>
    public float StepScale { get; init; } = 1;

    /// <summary>Where b of all heads begins, in the rows of steps; null for a scan.</summary>
    public int? FirstStrength { get; init; }

    /// <summary>Whether it goes by the delta rule.</summary>
    public bool IsDelta => FirstStrength is not null;

    /// <summary>Columns of all values, H p.</summary>
    public int Width => Heads * ValueColumns;

    /// <summary>The state: a matrix for each head.</summary>
    public StateShape State => new(Heads, KeyColumns * ValueColumns);
}
