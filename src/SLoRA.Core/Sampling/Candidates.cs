using System.Numerics;

namespace SLoRA.Sampling;

/// <summary>
/// The tokens that can still be chosen: parallel arrays of ids (ascending), logits and weights. It starts as the whole vocabulary, and
/// every filter moves the tokens it keeps to the front. Weights are probabilities up to the factor 1 / <see cref="Total"/>; they exist from
/// <see cref="Softmax.Weigh"/> on.
/// </summary>
internal sealed class Candidates
{
    /// <summary>Weights are summed in blocks of this many, so that a draw skips a block at a time.</summary>
    public const int BlockSize = 512;

    private readonly int[] _ids;
    private readonly float[] _logits;
    private readonly float[] _weights;
    private readonly double[] _blockSums;
    private bool _isWholeVocabulary;

    public Candidates(int vocabularySize)
    {
        _ids = new int[vocabularySize];
        _logits = new float[vocabularySize];
        _weights = new float[vocabularySize];
        _blockSums = new double[(vocabularySize + BlockSize - 1) / BlockSize];
    }

    /// <summary>The number of tokens left.</summary>
    public int Count { get; private set; }

    /// <summary>The logits left. After <see cref="Temperature"/> the largest is exactly 0.</summary>
    public Span<float> Logits => _logits.AsSpan(0, Count);

    /// <summary>e^logit of the tokens left; before <see cref="Softmax.Weigh"/> the buffer is free for use.</summary>
    public Span<float> Weights => _weights.AsSpan(0, Count);

    /// <summary>The sums of <see cref="Weights"/> by blocks of <see cref="BlockSize"/>.</summary>
    public Span<double> BlockSums => _blockSums.AsSpan(0, (Count + BlockSize - 1) / BlockSize);

    /// <summary>The sum of all weights left.</summary>
    public double Total { get; set; }

    /// <summary>The token at a position.</summary>
    public int TokenAt(int position) => _isWholeVocabulary ? position : _ids[position];

    /// <summary>The position of a token, or a negative number if it was removed.</summary>
    public int PositionOf(int token) => _isWholeVocabulary ? token : _ids.AsSpan(0, Count).BinarySearch(token);

    /// <summary>Starts over with every token of the vocabulary.</summary>
    public void Load(ReadOnlySpan<float> logits)
    {
        logits.CopyTo(_logits);
        Count = logits.Length;
        _isWholeVocabulary = true;
    }

    /// <summary>Keeps the tokens whose logit is at least the threshold.</summary>
    public void KeepLogitsFrom(float threshold) => Keep(_logits, threshold);

    /// <summary>Keeps the tokens whose weight is at least the threshold.</summary>
    public void KeepWeightsFrom(float threshold) => Keep(_weights, threshold);

    /// <summary>Removes the tokens with exactly this logit and an id above the given one.</summary>
    public void RemoveTies(float logit, int lastToken)
    {
        int kept = 0;
        for (int i = 0; i < Count; i++)
        {
            if (_logits[i] != logit || TokenAt(i) <= lastToken)
            {
                Move(i, kept++);
            }
        }

        Shrink(kept);
    }

    private void Keep(float[] measure, float threshold)
    {
        int kept = 0, i = 0;
        for (; i <= Count - Comparisons.Count; i += Comparisons.Count)
        {
            // The hits are known before any of them moves, so moving to the front in place is safe.
            uint hits = Comparisons.GreaterOrEqual(measure, i, threshold);
            for (; hits != 0; hits &= hits - 1)
            {
                Move(i + BitOperations.TrailingZeroCount(hits), kept++);
            }
        }

        for (; i < Count; i++)
        {
            if (measure[i] >= threshold)
            {
                Move(i, kept++);
            }
        }

        Shrink(kept);
    }

    private void Move(int from, int to)
    {
        _ids[to] = TokenAt(from);
        _logits[to] = _logits[from];
        _weights[to] = _weights[from];
    }

    private void Shrink(int kept)
    {
        Count = kept;
        _isWholeVocabulary = false;
    }
}
