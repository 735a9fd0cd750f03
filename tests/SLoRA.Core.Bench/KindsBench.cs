using System.Diagnostics;
using System.Globalization;
using SLoRA.Formats;

namespace SLoRA.Core.Bench;

/// <summary>What kinds of adapters beyond plain LoRA cost beside it.</summary>
internal static class KindsBench
{
    private const int Context = 160;
    private const int Prompt = 128;
    private const double DoraGoal = 1.15;
    private const double ActivatedGoal = 0.05;

    private static readonly int[] Invocation = [11, 12, 13];
    private static readonly TimeSpan Time = TimeSpan.FromSeconds(5);

    /// <summary>Steps with DoRA and with plain LoRA of one rank, in turns.</summary>
    public static void Dora(Shape shape, BaseWeights weights, int threads, int rank)
    {
        const int Each = StepModel.Sequences;
        using var model = new StepModel(shape, weights, threads, Context, 2 * Each, rank, dora: Each);
        Print($"{shape.Name} {weights.Name}, {threads} threads, rank {rank} on all linear modules");
        Compare($"decode {Each} rows, {Each} adapters", first => model.Decode(Each, Context, Each, first), model);
        Compare("decode 1 row", first => model.Decode(1, Context, 1, first), model);
        Compare($"prefill {Prompt} rows, 1 adapter", first =>
        {
            model.Plan.Clear();
            model.Slice(0, Prompt, 0, first);
        }, model);
    }

    /// <summary>
    /// The time to the first token of a conversation that the base model has had before: with a plain adapter, whose keys and values are
    /// all others, and with activated ones, whose are the base's up to the invocation.
    /// </summary>
    public static async Task ActivatedAsync(Shape shape, TensorType weights, int threads, int tokens, CancellationToken cancellation)
    {
        using var folder = new RandomModelFolder(shape, weights);
        TensorType type = RandomAdapter.TypeFor(weights);
        var elements = new RandomElements(type, seed: 100);
        await using LoraServingEngine engine = await LoraServingEngine.CreateBuilder().UseModel(folder.Path)
            .UseCpu(cpu => cpu.Threads = threads).ConfigurePool(pool => pool.Bytes = 2L << 30)
            .AddAdapter("plain", RandomAdapter.Create(shape, 2, elements, type, 0))
            .AddAdapter("first", RandomAdapter.Create(shape, 2, elements, type, 7, Invocation))
            .AddAdapter("second", RandomAdapter.Create(shape, 2, elements, type, 9, Invocation))
            .BuildAsync(cancellationToken: cancellation);
        foreach (string name in (string[])["plain", "first", "second"])
        {
            await engine.Adapters.PreloadAsync(name, cancellation);
        }

        var random = new Random(3);
        int[] conversation = [.. Enumerable.Range(0, tokens).Select(_ => 100 + random.Next(1000)), .. Invocation, 20, 21];
        Print($"{shape.Name} {weights}, {threads} threads, a conversation of {tokens} tokens");
        await FirstTokenAsync(null);
        (double plain, _) = await FirstTokenAsync("plain");
        await FirstTokenAsync("first");
        (double second, int cached) = await FirstTokenAsync("second");
        Print($"  time to the first token: plain {plain * 1e3:F1} ms");
        Print($"  a second activated adapter {second * 1e3:F1} ms, {cached} tokens were there");
        Print($"  ratio {second / plain:P2} (goal {ActivatedGoal:P0})");

        async Task<(double Seconds, int Cached)> FirstTokenAsync(string? adapter)
        {
            long start = Stopwatch.GetTimestamp();
            var request = new GenerationRequest { Prompt = conversation, MaxTokens = 1, Adapter = adapter, IgnoreEndOfText = true };
            GenerationStream stream = engine.GenerateAsync(request, cancellation);
            await foreach (GeneratedToken _ in stream)
            {
            }

            return (Stopwatch.GetElapsedTime(start).TotalSeconds, stream.Usage!.CachedPromptTokens);
        }
    }

    private static void Compare(string name, Action<int> fill, StepModel model)
    {
        double[] best = [double.MaxValue, double.MaxValue];
        long first = Stopwatch.GetTimestamp();
        for (int i = 0; i < 12 || Stopwatch.GetElapsedTime(first) < Time; i++)
        {
            fill((i & 1) * StepModel.Sequences);
            long start = Stopwatch.GetTimestamp();
            model.Decoder.Run(model.Plan);
            best[i & 1] = Math.Min(best[i & 1], Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        Print($"  {name}: plain {best[0] * 1e3:F2} ms, DoRA {best[1] * 1e3:F2} ms: {best[1] / best[0]:F3} (goal {DoraGoal:F2})");
    }

    private static void Print(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
