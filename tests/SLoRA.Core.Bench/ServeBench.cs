using System.Globalization;

namespace SLoRA.Core.Bench;

/// <summary>Serves a workload several times and prints what it took.</summary>
internal static class ServeBench
{
    /// <summary>Measures and prints.</summary>
    public static async Task<int> Run(ServeWorkload workload, bool json, CancellationToken cancellation)
    {
        await using ServeSession session = await ServeSession.Start(workload, cancellation);
        ServeResult? best = null;
        for (int repetition = -1; repetition < workload.Repetitions; repetition++)
        {
            ServeResult result = await session.Repeat(cancellation);
            if (repetition >= 0)
            {
                best = best is null || result.TotalSeconds < best.TotalSeconds ? result : best;
            }

            if (!json)
            {
                Console.WriteLine($"{(repetition < 0 ? "warm-up" : "measured")} {result.ToJson()}");
            }
        }

        if (json)
        {
            Console.WriteLine(best!.ToJson());
        }
        else
        {
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{workload.Shape.Name} {workload.Weights.Name}, {workload.Threads} threads; best: {best!.ToJson()}"));
        }

        return 0;
    }
}
