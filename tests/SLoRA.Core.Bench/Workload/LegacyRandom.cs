namespace SLoRA.Core.Bench.Workload;

/// <summary>
/// The random numbers of numpy's <c>RandomState</c>, bit for bit: a Mersenne Twister and the distributions that S-LoRA's workload generator
/// draws from it.
/// </summary>
internal sealed class LegacyRandom
{
    private const int Words = 624;

    private readonly uint[] _state = new uint[Words];
    private int _next = Words;

    /// <summary>Starts at a seed.</summary>
    public LegacyRandom(uint seed)
    {
        _state[0] = seed;
        for (uint i = 1; i < Words; i++)
        {
            uint previous = _state[i - 1];
            _state[i] = (1812433253u * (previous ^ (previous >> 30))) + i;
        }
    }

    /// <summary>32 random bits.</summary>
    public uint NextBits()
    {
        if (_next == Words)
        {
            Twist();
        }

        uint y = _state[_next++];
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c5680;
        y ^= (y << 15) & 0xefc60000;
        return y ^ (y >> 18);
    }

    /// <summary>Uniform in [0, 1), 53 bits.</summary>
    public double NextDouble()
    {
        uint high = NextBits() >> 5;
        uint low = NextBits() >> 6;
        return ((high * 67108864.0) + low) / 9007199254740992.0;
    }

    /// <summary>Exponential with mean 1.</summary>
    public double NextExponential() => -Math.Log(1.0 - NextDouble());

    /// <summary>Density α x^(α−1) on [0, 1].</summary>
    public double NextPower(double alpha) => Math.Pow(1 - Math.Exp(-NextExponential()), 1 / alpha);

    /// <summary>Uniform in [<paramref name="low"/>, <paramref name="high"/>).</summary>
    public int NextInteger(int low, int high)
    {
        uint range = (uint)(high - 1 - low);
        uint mask = range;
        for (int shift = 1; shift <= 16; shift *= 2)
        {
            mask |= mask >> shift;
        }

        while (true)
        {
            uint value = NextBits() & mask;
            if (value <= range)
            {
                return low + (int)value;
            }
        }
    }

    /// <summary>Gamma with a shape of at most 1.</summary>
    public double NextGamma(double shape, double scale)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(shape, 1);
        if (shape == 1)
        {
            return scale * NextExponential();
        }

        while (true)
        {
            double u = NextDouble();
            double v = NextExponential();
            if (u <= 1 - shape)
            {
                double x = Math.Pow(u, 1 / shape);
                if (x <= v)
                {
                    return scale * x;
                }
            }
            else
            {
                double y = -Math.Log((1 - u) / shape);
                double x = Math.Pow(1 - shape + (shape * y), 1 / shape);
                if (x <= v + y)
                {
                    return scale * x;
                }
            }
        }
    }

    private void Twist()
    {
        for (int k = 0; k < Words; k++)
        {
            uint y = (_state[k] & 0x80000000) | (_state[(k + 1) % Words] & 0x7fffffff);
            _state[k] = _state[(k + 397) % Words] ^ (y >> 1) ^ ((y & 1) * 0x9908b0df);
        }

        _next = 0;
    }
}
