using System.Globalization;
using SLoRA.Core.Bench.Workload;

namespace SLoRA.Evaluation.Workloads;

/// <summary>
/// The synthetic workload of S-LoRA's benchmarks, number for number (benchmarks/trace.py): adapters by a power law, uniform lengths,
/// arrivals by one Gamma process over all adapters.
/// </summary>
internal sealed record SyntheticTrace
{
    /// <summary>Adapters; 0 asks for the base alone.</summary>
    public required int Adapters { get; init; }

    /// <summary>Requests per second, of all adapters together.</summary>
    public required double Rate { get; init; }

    /// <summary>The exponent of the power law: 1 is uniform, less gives more to the first adapters.</summary>
    public double Alpha { get; init; } = 1;

    /// <summary>The coefficient of variation of the times between arrivals: 1 is a Poisson process.</summary>
    public double Variation { get; init; } = 1;

    /// <summary>Seconds of arrivals.</summary>
    public double Seconds { get; init; } = 300;

    /// <summary>The shortest prompt and answer.</summary>
    public int Shortest { get; init; } = 8;

    /// <summary>One more than the longest prompt and answer.</summary>
    public int Below { get; init; } = 512;

    /// <summary>The seed.</summary>
    public uint Seed { get; init; } = 42;

    /// <summary>Draws the requests: all adapters first, then all prompts, all answers, all gaps.</summary>
    public Trace Draw()
    {
        var random = new LegacyRandom(Seed);
        var requests = new TraceRequest[(int)(Rate * Seconds)];
        for (int i = 0; i < requests.Length; i++)
        {
            int adapter = (int)(random.NextPower(Alpha) * Adapters);
            requests[i] = requests[i] with { Adapter = Adapters == 0 ? TraceRequest.Base : adapter };
        }

        for (int i = 0; i < requests.Length; i++)
        {
            requests[i] = requests[i] with { Prompt = random.NextInteger(Shortest, Below) };
        }

        for (int i = 0; i < requests.Length; i++)
        {
            requests[i] = requests[i] with { Output = random.NextInteger(Shortest, Below) };
        }

        double time = 0;
        double square = Variation * Variation;
        for (int i = 0; i < requests.Length; i++)
        {
            time += random.NextGamma(1 / square, square / Rate);
            requests[i] = requests[i] with { Arrival = time };
        }

        string name = string.Create(
            CultureInfo.InvariantCulture, $"n={Adapters} α={Alpha} R={Rate} cv={Variation} D={Seconds} [{Shortest},{Below})");
        return new Trace(name, Seconds, requests);
    }
}
