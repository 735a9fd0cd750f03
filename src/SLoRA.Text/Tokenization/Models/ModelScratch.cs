namespace SLoRA.Text.Tokenization.Models;

/// <summary>Working memory of the models: one per encoding at a time, used again by the next.</summary>
internal sealed class ModelScratch
{
    private const int Keep = 1 << 16;

    public int[] Symbols = new int[256];
    public int[] Ranks = new int[256];
    public int[] Previous = [];
    public int[] Next = [];
    public double[] Scores = [];
    public byte[] Bytes = new byte[1024];
    public readonly MergeQueue Queue = new();
    public readonly CharBuffer Text = new();

    public static void Ensure<T>(ref T[] array, int length)
    {
        if (array.Length < length)
        {
            array = new T[Math.Max(length, 2 * array.Length)];
        }
    }

    /// <summary>Lets go of what a huge word needed.</summary>
    public void Trim()
    {
        if (Symbols.Length > Keep)
        {
            Symbols = new int[256];
        }

        if (Ranks.Length > Keep)
        {
            Ranks = new int[256];
        }

        if (Previous.Length > Keep)
        {
            Previous = [];
        }

        if (Next.Length > Keep)
        {
            Next = [];
        }

        if (Scores.Length > Keep)
        {
            Scores = [];
        }

        if (Bytes.Length > Keep)
        {
            Bytes = new byte[1024];
        }

        Queue.Trim(Keep);
        Text.Trim(Keep);
    }
}
