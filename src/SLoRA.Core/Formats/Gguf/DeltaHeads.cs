namespace SLoRA.Formats.Gguf;

/// <summary>
/// The heads of a gated delta net. Hugging Face has value heads by the key head that they share, llama.cpp those first that are the first
/// of each key head: head k · s + j is its j · keys + k, s being how many share one.
/// </summary>
/// <param name="Keys">Key heads.</param>
/// <param name="Values">Value heads.</param>
/// <param name="KeyDim">Columns of a key head.</param>
/// <param name="ValueDim">Columns of a value head.</param>
internal readonly record struct DeltaHeads(int Keys, int Values, int KeyDim, int ValueDim)
{
    /// <summary>Value heads that share a key head.</summary>
    public int Shared => Values / Keys;

    /// <summary>Where values begin behind queries and keys.</summary>
    public int FirstValue => 2 * Keys * KeyDim;

    /// <summary>Where in the file a row of Hugging Face's order lies, of value heads with so many rows each.</summary>
    public long InFile(long row, int headRows)
    {
        (long head, long within) = Math.DivRem(row, headRows);
        return (((head % Shared * Keys) + (head / Shared)) * headRows) + within;
    }
}

/// <summary>A weight whose rows from one on go by value heads, in llama.cpp's order.</summary>
/// <param name="Tensor">The tensor.</param>
/// <param name="File">The file that it is in.</param>
/// <param name="Heads">The heads.</param>
/// <param name="First">The first of these rows.</param>
/// <param name="HeadRows">Rows of a head.</param>
internal sealed record DeltaRowsView(GgufTensor Tensor, WeightFile File, DeltaHeads Heads, int First, int HeadRows) : RowsView(Tensor, File)
{
    /// <inheritdoc/>
    protected override (GgufTensor Tensor, WeightFile File, long Row) InFile(long row) =>
        (Tensor, File, row < First ? row : First + Heads.InFile(row - First, HeadRows));
}

/// <summary>
/// The projection to queries, keys, values and z by key head, out of a file that has the first three of all heads in one tensor and z in
/// another.
/// </summary>
/// <param name="Tensor">Queries, keys and values.</param>
/// <param name="File">The file that it is in.</param>
/// <param name="Gate">That of z, and its file.</param>
/// <param name="Heads">The heads.</param>
internal sealed record DeltaGroupsView(
    GgufTensor Tensor, WeightFile File, (GgufTensor Tensor, WeightFile File) Gate, DeltaHeads Heads) : RowsView(Tensor, File)
{
    /// <inheritdoc/>
    protected override bool Widens => Gate.Tensor.Type != Tensor.Type;

    /// <inheritdoc/>
    protected override (GgufTensor Tensor, WeightFile File, long Row) InFile(long row)
    {
        int key = Heads.KeyDim, own = Heads.Shared * Heads.ValueDim;
        (long group, long within) = Math.DivRem(row, 2 * (key + own));
        return within < key ? (Tensor, File, (group * key) + within)
            : within < 2 * key ? (Tensor, File, (Heads.Keys * key) + (group * key) + within - key)
            : within < (2 * key) + own ? (Tensor, File, Heads.FirstValue + (group * own) + within - (2 * key))
            : (Gate.Tensor, Gate.File, (group * own) + within - (2 * key) - own);
    }
}
