namespace SLoRA.Formats.Gguf;

/// <summary>
/// The order of rows of queries and keys in files of llama: in each head, row 2 i + j stands for row i + j · d/2 of Hugging Face's order.
/// </summary>
/// <param name="Rows">Rows of a head, d.</param>
internal readonly record struct HeadRows(int Rows)
{
    /// <summary>Where in the file a row of Hugging Face's order lies.</summary>
    public long InFile(long row)
    {
        long head = row / Rows, within = row % Rows, half = Rows / 2;
        return (head * Rows) + (2 * (within % half)) + (within / half);
    }
}
