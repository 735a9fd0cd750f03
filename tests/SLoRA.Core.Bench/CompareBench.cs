using System.Globalization;

namespace SLoRA.Core.Bench;

/// <summary>
/// The goals of the Cpu backend beside a peer: both serve the same work, in turns, and the best of each counts. What memory allows is
/// measured before and behind every repetition of ours, and the higher of the two is that repetition's limit: on a shared machine it
/// changes within seconds. The repetition that comes nearest to its limit counts.
/// </summary>
internal sealed class CompareBench(
    string script, int rounds, int threads, CpuPrecision precision, bool json, CancellationToken cancellation) : IDisposable
{
    private static readonly (string Name, string Text)[] Rows =
    [
        ("mixed", "16 requests over 16 adapters, whole job, bf16"),
        ("mixed-int8", "16 requests over 16 adapters, whole job, int8"),
        ("mixed-int4", "16 requests over 16 adapters, whole job, int4"),
        ("mixed-q4_0", "16 requests over 16 adapters, whole job, a GGUF file of Q4_0"),
        ("mixed-q4_k_m", "16 requests over 16 adapters, whole job, a GGUF file of Q4_K_M"),
        ("batch", "base prefill and decode of 16 requests, bf16"),
        ("batch-int8", "base prefill and decode of 16 requests, int8"),
        ("batch-int4", "base prefill and decode of 16 requests, int4"),
        ("batch-q4_0", "base prefill and decode of 16 requests, a GGUF file of Q4_0"),
        ("batch-q4_k_m", "base prefill and decode of 16 requests, a GGUF file of Q4_K_M"),
        ("decode", "base decode of one request, bf16"),
        ("decode-int8", "base decode of one request, int8"),
        ("decode-int4", "base decode of one request, int4"),
        ("decode-q4_0", "base decode of one request, a GGUF file of Q4_0"),
        ("decode-q4_k_m", "base decode of one request, a GGUF file of Q4_K_M"),
        ("adapters-1b", "1B shape, step of 16 rows with 16 adapters of rank 16 on all linear modules / without"),
        ("adapters-1b-q4_0", "the same over base weights of Q4_0"),
        ("int4-1b", "1B shape, step of one row: int4 / int8"),
        ("mixed-1b", "1B shape, 8 requests over 8 adapters, whole job, bf16"),
        ("mixed-1b-int4", "1B shape, 8 requests over 8 adapters, whole job, int4"),
        ("mixed-1b-q4_0", "1B shape, 8 requests over 8 adapters, whole job, a GGUF file of Q4_0"),
        ("mixed-1b-q4_k_m", "1B shape, 8 requests over 8 adapters, whole job, a GGUF file of Q4_K_M"),
        ("mixed-8b-q4_k_m", "8B shape, 8 requests over 8 adapters of rank 16 on all linear modules, whole job, Q4_K_M"),
        ("experts", "mixture of 16 experts, 4 for each row: base prefill and decode of 16 requests, bf16"),
        ("long", "decode at 4096 tokens of context, bf16"),
        ("allocation", "bytes allocated per step"),
    ];

    private readonly ReadCeiling _reading = new(threads);
    private MachineLimits _limits = null!;
    private double _lowest = double.MaxValue;
    private double _highest;

    /// <summary>The rows that there are.</summary>
    public static IEnumerable<string> RowNames => Rows.Select(row => row.Name);

    /// <summary>Measures some rows and prints the table.</summary>
    public async Task Run(IReadOnlyList<string> rows)
    {
        _limits = MachineLimits.Measure(threads);
        var goals = new List<Goal>();
        foreach (string row in rows)
        {
            if (!json)
            {
                Console.WriteLine($"{row}: {Rows.First(known => known.Name == row).Text}");
            }

            IReadOnlyList<Goal> measured = await Measure(row);
            goals.AddRange(measured);
            foreach (Goal goal in measured)
            {
                Console.WriteLine(json ? goal.ToJson() : $"    {goal.ToLine()}");
            }
        }

        if (!json)
        {
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"\n{threads} threads; limits: {_limits.Floats / 1e9:F0} GFLOP/s fp32, {_limits.Integers / 1e9:F0} GOP/s int8, "
                + $"{_lowest / 1e9:F0} to {_highest / 1e9:F0} GB/s; best of {rounds} rounds\n"));
            Console.WriteLine(Goal.Header);
            goals.ForEach(goal => Console.WriteLine(goal.ToLine()));
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _reading.Dispose();

    /// <summary>How long rows without a peer measure.</summary>
    private TimeSpan Time => TimeSpan.FromSeconds(8 * rounds);

    private Task<IReadOnlyList<Goal>> Measure(string row) => row switch
    {
        "mixed" => Mixed(Shape.Small, BaseWeights.BF16, 16, 64, 4),
        "mixed-int8" => Mixed(Shape.Small, BaseWeights.Int8, 16, 64, 4),
        "mixed-int4" => Mixed(Shape.Small, BaseWeights.Int4, 16, 64, 4),
        "mixed-q4_0" => Mixed(Shape.Small, BaseWeights.Gguf("q4_0"), 16, 64, 4),
        "mixed-q4_k_m" => Mixed(Shape.Small, BaseWeights.Gguf("q4_k_m"), 16, 64, 4),
        "batch" => Batch(Shape.Small, BaseWeights.BF16, 2),
        "batch-int8" => Batch(Shape.Small, BaseWeights.Int8, 2),
        "batch-int4" => Batch(Shape.Small, BaseWeights.Int4, 2),
        "batch-q4_0" => Batch(Shape.Small, BaseWeights.Gguf("q4_0"), 1.5),
        "batch-q4_k_m" => Batch(Shape.Small, BaseWeights.Gguf("q4_k_m"), 1.5),
        "experts" => Batch(Shape.FewExperts, BaseWeights.BF16, 1),
        "decode" => Decode(BaseWeights.BF16),
        "decode-int8" => Decode(BaseWeights.Int8),
        "decode-int4" => Decode(BaseWeights.Int4),
        "decode-q4_0" => Decode(BaseWeights.Gguf("q4_0")),
        "decode-q4_k_m" => Decode(BaseWeights.Gguf("q4_k_m")),
        "mixed-1b-q4_0" => Mixed(Shape.Large, BaseWeights.Gguf("q4_0"), 8, 32, 4),
        "mixed-1b-q4_k_m" => Mixed(Shape.Large, BaseWeights.Gguf("q4_k_m"), 8, 32, 4),
        "mixed-8b-q4_k_m" => Mixed(Shape.Huge, BaseWeights.Gguf("q4_k_m"), 8, 32, 4, rank: 16),
        "mixed-1b-int4" => Mixed(Shape.Large, BaseWeights.Int4, 8, 32, 3),
        "adapters-1b" => Task.FromResult(AdapterGoals.Measure(Shape.Large, BaseWeights.BF16, threads, Time, _limits, Read)),
        "adapters-1b-q4_0" => Task.FromResult(AdapterGoals.Measure(
            Shape.Large, BaseWeights.Find("q4_0").With(precision), threads, Time, _limits, Read)),
        "int4-1b" => Task.FromResult(IntegerSteps.Measure(Shape.Large, precision, threads, Time, _limits, Read)),
        "mixed-1b" => Mixed(Shape.Large, BaseWeights.BF16, 8, 32, 3),
        "long" => Long(),
        _ => Task.FromResult(Allocation()),
    };

    private async Task<IReadOnlyList<Goal>> Mixed(
        Shape shape, BaseWeights weights, int requests, int output, double wanted, int? rank = null)
    {
        ServeWorkload workload = Workload(shape, weights, requests, 128, output, requests) with { Rank = rank };
        Served served = await Alternate(workload);
        return
        [
            Above(
                $"{shape.Name} {workload.Weights.Name}, {requests} adapters, whole job",
                served,
                figures => figures.Output,
                wanted,
                limits => requests * output / (Prefill(workload, limits) + Decoded(workload, limits))),
        ];
    }

    private async Task<IReadOnlyList<Goal>> Batch(Shape shape, BaseWeights weights, double wanted)
    {
        ServeWorkload workload = Workload(shape, weights, 16, 128, 64, 0);
        Served served = await Alternate(workload);
        return
        [
            Above($"{shape.Name} {workload.Weights.Name}, base prefill", served, figures => figures.Prefill, wanted, limits => 16
                * 128 / Prefill(workload, limits)),
            Above($"{shape.Name} {workload.Weights.Name}, base decode, batch 16", served, figures => figures.Decode, wanted, limits => 16
                * 64 / Decoded(workload, limits)),
        ];
    }

    private async Task<IReadOnlyList<Goal>> Decode(BaseWeights weights)
    {
        const double Bandwidth = 0.85;
        ServeWorkload workload = Workload(Shape.Small, weights, 1, 128, 64, 0);
        Served served = await Alternate(workload);
        Goal goal = Above(
            $"135m {workload.Weights.Name}, base decode, batch 1",
            served,
            figures => figures.Decode,
            1,
            limits => 64 / Decoded(workload, limits));
        return [goal with { Wanted = "≥ 1.0, and ≥ 85 % of bandwidth", IsMet = goal.Ratio >= 1 && goal.Share >= Bandwidth }];
    }

    private async Task<IReadOnlyList<Goal>> Long()
    {
        ServeWorkload workload = Workload(Shape.Small, BaseWeights.BF16, 1, 4096, 64, 0);
        Served served = await Alternate(workload);
        return [Above("135m bf16, decode at 4096 tokens of context", served, figures => figures.Decode, 1.5,
            limits => 64 / Decoded(workload, limits))];
    }

    private IReadOnlyList<Goal> Allocation()
    {
        using var model = new StepModel(Shape.Small, BaseWeights.Int8, threads, 160, StepModel.Sequences, 16);
        const int Steps = 20;
        for (int i = 0; i < 3; i++)
        {
            Step();
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < Steps; i++)
        {
            model.Decoder.Run(model.Plan);
        }

        double bytes = (GC.GetAllocatedBytesForCurrentThread() - before) / (double)Steps;
        return [new Goal("allocation per step, 16 adapters, int8", "bytes", bytes, null, bytes, "0", 0, bytes == 0 ? 1 : 0, bytes == 0)];

        void Step()
        {
            model.Decode(StepModel.Sequences, 160, StepModel.Sequences);
            model.Decoder.Run(model.Plan);
        }
    }

    /// <summary>We and the peer in turns, after a repetition that warms up.</summary>
    private async Task<Served> Alternate(ServeWorkload workload)
    {
        await using ServeSession session = await ServeSession.Start(workload, cancellation);
        await session.Repeat(cancellation);
        var ours = new List<(ServeFigures, MachineLimits)>();
        ServeFigures? peer = null;
        for (int round = 0; round < rounds; round++)
        {
            // A run of the peer is three repetitions, of which the best counts; so it is with ours.
            double before = Read();
            for (int repetition = 0; repetition < 3; repetition++)
            {
                ServeFigures figures = (await session.Repeat(cancellation)).Figures;
                double behind = Read();
                ours.Add((figures, _limits with { Bytes = Math.Max(before, behind) }));
                before = behind;
            }

            peer = (await PeerRun.Measure(script, workload, cancellation)).Or(peer);
        }

        return new Served(ours, peer!);
    }

    private double Read()
    {
        double bytes = _reading.Measure(TimeSpan.FromMilliseconds(20));
        _lowest = Math.Min(_lowest, bytes);
        _highest = Math.Max(_highest, bytes);
        return bytes;
    }

    private static Goal Above(
        string figure, Served served, Func<ServeFigures, double> number, double wanted, Func<MachineLimits, double> limit)
    {
        double ours = served.Ours.Max(repetition => number(repetition.Figures));
        double peer = number(served.Peer);
        (double achieved, double possible) =
            served.Ours.Select(repetition => (number(repetition.Figures), limit(repetition.Limits))).MaxBy(pair => pair.Item1 / pair.Item2);
        double share = achieved / possible;
        return new Goal(
            figure, "tokens/s", ours, peer, ours / peer, string.Create(CultureInfo.InvariantCulture, $"≥ {wanted:F1}"), possible, share,
            ours / peer >= wanted || share >= Goal.EnoughShare);
    }

    private ServeWorkload Workload(Shape shape, BaseWeights weights, int requests, int prompt, int output, int adapters) => new()
    {
        Shape = shape,
        Weights = weights.With(precision),
        IsMixed = adapters > 0,
        Requests = requests,
        Prompt = prompt,
        Output = output,
        Adapters = adapters,
        Threads = threads,
        Repetitions = rounds,
    };

    /// <summary>Seconds of all prompts at the limits, as one step.</summary>
    private static double Prefill(ServeWorkload workload, MachineLimits limits) =>
        new CountedWork(workload.Shape, workload.Weights).Seconds(
        limits, workload.Requests * workload.Prompt, workload.Requests, workload.Requests, workload.Prompt / 2.0,
        AdapterElements(workload));

    /// <summary>Seconds of all decode steps at the limits.</summary>
    private static double Decoded(ServeWorkload workload, MachineLimits limits) =>
        workload.Output * new CountedWork(workload.Shape, workload.Weights).Seconds(
        limits, workload.Requests, workload.Requests, workload.Requests, workload.Prompt + (workload.Output / 2.0),
        AdapterElements(workload));

    private static double[] AdapterElements(ServeWorkload workload) => workload.IsMixed
        ? [.. Enumerable.Range(0, workload.Requests).Select(i => new CountedWork(workload.Shape, workload.Weights).AdapterElements(
            workload.Rank ?? RandomAdapter.RankOf(i % workload.Adapters), workload.Rank is not null))]
        : [];

    /// <summary>What one row has given: every repetition of ours with its limits, and the best of the peer.</summary>
    private sealed record Served(IReadOnlyList<(ServeFigures Figures, MachineLimits Limits)> Ours, ServeFigures Peer);
}
