namespace SLoRA.Planning;

/// <summary>How often each of many adapters is asked for: Zipf's law.</summary>
internal sealed class Popularity
{
    private readonly double[] _shares;

    /// <summary>Works the shares out.</summary>
    /// <param name="count">Adapters.</param>
    /// <param name="exponent">The exponent; 0 for all alike.</param>
    public Popularity(int count, double exponent)
    {
        _shares = new double[count];
        double sum = 0;
        for (int i = 0; i < count; i++)
        {
            sum += _shares[i] = Math.Pow(i + 1, -exponent);
        }

        for (int i = 0; i < count; i++)
        {
            _shares[i] /= sum;
        }
    }

    /// <summary>The share of requests that the first adapters get; 1 where there are no more.</summary>
    public double ShareOfFirst(int count)
    {
        if (count >= _shares.Length)
        {
            return 1;
        }

        double share = 0;
        for (int i = 0; i < count; i++)
        {
            share += _shares[i];
        }

        return share;
    }

    /// <summary>How many distinct adapters so many requests have, on average.</summary>
    public double Distinct(double requests)
    {
        double distinct = 0;
        for (int i = 0; i < _shares.Length; i++)
        {
            distinct += 1 - Math.Pow(1 - _shares[i], requests);
        }

        return distinct;
    }
}
