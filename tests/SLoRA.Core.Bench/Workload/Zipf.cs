namespace SLoRA.Core.Bench.Workload;

/// <summary>
/// Zipf's law over n things: the k-th, from 0, is drawn with a probability proportional to 1 / (k + 1)^s. s = 0 is uniform.
/// </summary>
internal sealed class Zipf
{
    private readonly double[] _cumulative;

    /// <summary>Sums the probabilities up.</summary>
    public Zipf(int count, double exponent)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        _cumulative = new double[count];
        double sum = 0;
        for (int k = 0; k < count; k++)
        {
            _cumulative[k] = sum += Math.Pow(k + 1, -exponent);
        }
    }

    /// <summary>Draws by inverse transform: one uniform number a draw.</summary>
    public int Next(LegacyRandom random)
    {
        double at = random.NextDouble() * _cumulative[^1];
        int found = Array.BinarySearch(_cumulative, at);
        return Math.Min(found < 0 ? ~found : found + 1, _cumulative.Length - 1);
    }

    /// <summary>The probability of the k-th.</summary>
    public double Probability(int k) => (_cumulative[k] - (k == 0 ? 0 : _cumulative[k - 1])) / _cumulative[^1];
}
