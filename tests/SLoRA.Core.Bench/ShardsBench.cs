using System.Diagnostics;
using System.Globalization;
using SLoRA.Step;

namespace SLoRA.Core.Bench;

/// <summary>Steps on one shard of all threads and on two shards that share them, with the part that exchanging rows takes.</summary>
internal static class ShardsBench
{
    private const int Context = 160;
    private const int Prompt = 512;
    private const int Adapters = 8;
    private const int Shards = 2;

    /// <summary>Measures both, and prints what the cost model says of them and of devices that are not here.</summary>
    /// <param name="shape">The decoder.</param>
    /// <param name="weights">Its weights.</param>
    /// <param name="threads">Threads of all shards together.</param>
    /// <param name="rank">Rank of the adapters.</param>
    public static void Run(Shape shape, BaseWeights weights, int threads, int rank)
    {
        CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
        CollectiveCost memory = CollectiveCost.InMemory(Shards);
        Print($"{shape.Name} {weights.Name}, {threads} threads; a meeting of {Shards} shards takes {memory.Latency * 1e6:F2} us, and they "
            + $"take {memory.Bandwidth / 1e9:F1} GB/s from each other");
        Figures one = Measure(shape, weights, threads, rank, 1);
        Figures two = Measure(shape, weights, threads, rank, Shards);
        Report($"decode {StepModel.Sequences} rows, {Adapters} adapters, 1 shard", one.Decode, null, memory);
        Report($"decode {StepModel.Sequences} rows, {Adapters} adapters, 2 shards", two.Decode, one.Decode, memory);
        Report($"prefill {Prompt} rows, 1 adapter, 1 shard", one.Prefill, null, memory);
        Report($"prefill {Prompt} rows, 1 adapter, 2 shards", two.Prefill, one.Prefill, memory);
        Goals([(one.Decode, two.Decode), (one.Prefill, two.Prefill)], memory);
        ShardForecast.Print();
    }

    private static Figures Measure(Shape shape, BaseWeights weights, int threads, int rank, int shards)
    {
        using var model = new StepModel(shape, weights, threads, Context, Adapters, rank, shards: shards, rows: Prompt);
        model.Decode(StepModel.Sequences, Context, Adapters);
        StepTime decode = Measure(model);
        model.Plan.Clear();
        model.Slice(0, Prompt, 0, 0);
        return new Figures(decode, Measure(model));
    }

    /// <summary>The fastest step of some seconds, with its own exchanges.</summary>
    private static StepTime Measure(StepModel model)
    {
        model.Decoder.Run(model.Plan);
        model.Decoder.Run(model.Plan);
        StepTime best = new(double.MaxValue, default);
        long first = Stopwatch.GetTimestamp();
        for (int steps = 0; steps < 5 || Stopwatch.GetElapsedTime(first).TotalSeconds < 5; steps++)
        {
            long start = Stopwatch.GetTimestamp();
            model.Decoder.Run(model.Plan);
            double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
            best = seconds < best.Seconds ? new StepTime(seconds, model.Decoder.Exchange) : best;
        }

        return best;
    }

    private static void Report(string name, StepTime time, StepTime? other, CollectiveCost cost)
    {
        StepExchange exchange = time.Exchange;
        string beside = other is { } one ? $"  {(time.Seconds / one.Seconds) - 1,6:+0.0%;-0.0%} of one shard" : "";
        Print($"  {name,-44} {time.Seconds * 1e3,9:F2} ms{beside}");
        if (exchange.BaseMeetings == 0)
        {
            return;
        }

        double modelled = Modelled(exchange, cost);
        Print($"    exchanging: base {Seconds(exchange.BaseTicks) * 1e3:F2} ms in {exchange.BaseMeetings} meetings, "
            + $"{exchange.BaseElements * sizeof(float) / 1e6:F2} MB; adapters {Seconds(exchange.LoraTicks) * 1e3:F2} ms in "
            + $"{exchange.LoraMeetings}, {exchange.LoraElements * sizeof(float) / 1e6:F3} MB, "
            + $"{Seconds(exchange.LoraTicks) / time.Seconds:P1} of the step; all by the model {modelled * 1e3:F2} ms without waiting");
        if (other is { } single)
        {
            double step = single.Seconds + modelled;
            Print($"    the model says {step * 1e3:F2} ms for the step, {(step / time.Seconds) - 1:+0.0%;-0.0%} of what was measured");
        }
    }

    /// <summary>The worse of both steps beside what was asked for.</summary>
    private static void Goals(ReadOnlySpan<(StepTime One, StepTime Two)> steps, CollectiveCost cost)
    {
        (double slower, double adapters, double model) = (0, 0, 0);
        foreach ((StepTime one, StepTime two) in steps)
        {
            slower = Math.Max(slower, (two.Seconds / one.Seconds) - 1);
            adapters = Math.Max(adapters, Seconds(two.Exchange.LoraTicks) / two.Seconds);
            model = Math.Max(model, Math.Abs(((one.Seconds + Modelled(two.Exchange, cost)) / two.Seconds) - 1));
        }

        Print($"  two shards beside one: {slower:P1} slower (goal 10 %); adapters' exchanges: {adapters:P1} of the step (goal 7 %); "
            + $"the model is {model:P1} off (goal 15 %)");
    }

    private static double Modelled(StepExchange exchange, CollectiveCost cost) =>
        cost.Seconds(exchange.BaseMeetings + exchange.LoraMeetings, exchange.BaseElements + exchange.LoraElements);

    private static double Seconds(long ticks) => (double)ticks / Stopwatch.Frequency;

    private static void Print(string line) => Console.WriteLine(line);

    private readonly record struct StepTime(double Seconds, StepExchange Exchange);

    private readonly record struct Figures(StepTime Decode, StepTime Prefill);
}
