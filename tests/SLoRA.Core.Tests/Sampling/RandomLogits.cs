namespace SLoRA.Core.Tests.Sampling;

/// <summary>Rows of logits of the shapes that matter: spread, peaked, flat, full of ties, with forbidden tokens.</summary>
internal static class RandomLogits
{
    public static float[] Row(Random random, int size)
    {
        float spread = random.Next(4) switch { 0 => 0.01f, 1 => 8f, _ => 2.5f };
        bool ties = random.Next(3) == 0, forbids = random.Next(3) == 0;
        float[] row = new float[size];
        for (int i = 0; i < size; i++)
        {
            double normal = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
            float logit = (float)normal * spread;
            row[i] = ties ? MathF.Round(logit * 2) / 2 : logit;
            if (forbids && random.Next(3) == 0 && i > 0)
            {
                row[i] = float.NegativeInfinity;
            }
        }

        return row;
    }

    public static SamplingOptions Options(Random random, int vocabularySize) => new()
    {
        Temperature = Pick(random, 1f, 0.7f, 1.8f, 0.05f),
        TopK = random.Next(2) == 0 ? 0 : random.Next(1, vocabularySize + 3),
        TopP = Pick(random, 1f, 1f, 0.9f, 0.5f, 0.999f, 0.01f),
        MinP = Pick(random, 0f, 0f, 0.05f, 1f),
        RepetitionPenalty = Pick(random, 1f, 1.3f, 0.8f),
        PresencePenalty = Pick(random, 0f, 0.6f, -0.5f),
        FrequencyPenalty = Pick(random, 0f, 0.4f, -0.2f),
        LogitBias = random.Next(2) == 0
            ? null
            : new Dictionary<int, float> { [random.Next(vocabularySize)] = 2.5f, [vocabularySize - 1] = -100 },
    };

    public static int[] Tokens(Random random, int vocabularySize, int limit)
    {
        int[] tokens = new int[random.Next(limit)];
        for (int i = 0; i < tokens.Length; i++)
        {
            tokens[i] = random.Next(Math.Min(vocabularySize, 12));
        }

        return tokens;
    }

    private static float Pick(Random random, params ReadOnlySpan<float> values) => values[random.Next(values.Length)];
}
