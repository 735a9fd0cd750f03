using System.Diagnostics;
using System.Globalization;
using SLoRA.Backends;
using SLoRA.Backends.Cpu;
using SLoRA.Engine;
using SLoRA.Formats;
using SLoRA.Models;

namespace SLoRA.Core.Bench;

/// <summary>Whole steps of a decoder with random weights, without an engine around it: prefill and decode.</summary>
internal static class StepBench
{
    private const int Prompt = 128;

    /// <summary>Measures and prints tokens per second.</summary>
    /// <param name="shape">The decoder.</param>
    /// <param name="type">Type of weights and of the KV cache.</param>
    /// <param name="threads">Threads.</param>
    /// <param name="context">Positions that decode rows have before them.</param>
    public static void Run(Shape shape, TensorType type, int threads, int context)
    {
        const int Sequences = 16;
        using var backend = new CpuBackend(256, Sequences, threads);
        DecoderDescription description = Describe(shape, type);
        long start = Stopwatch.GetTimestamp();
        using var weights = new RandomWeights(type, (long)shape.Hidden * shape.Vocabulary);
        var decoder = new Decoder(description, Load(shape, description, weights, backend), backend);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{shape.Name} {type}, {threads} threads, {ProductJob.VectorBits} bits; loaded in {Stopwatch.GetElapsedTime(start).TotalSeconds:F1} s"));
        KvLayout layout = KvLayout.For(description, type);
        int pagesEach = layout.PagesFor(context + 300);
        backend.AllocatePages(layout, pagesEach * Sequences);
        var plan = new StepPlan(256, Sequences);

        Report("prefill 128 rows", Prompt, () => Slice(plan, 0, Prompt, 0, layout, pagesEach), decoder, plan);
        Report("prefill 2 x 128 rows", 2 * Prompt, () =>
        {
            Slice(plan, 0, Prompt, 0, layout, pagesEach);
            Slice(plan, 1, Prompt, 0, layout, pagesEach);
        }, decoder, plan);
        Report($"decode 1 row at {context}", 1, () => Slice(plan, 0, 1, context, layout, pagesEach), decoder, plan);
        Report($"decode {Sequences} rows at {context}", Sequences, () =>
        {
            for (int i = 0; i < Sequences; i++)
            {
                Slice(plan, i, 1, context, layout, pagesEach);
            }
        }, decoder, plan);
    }

    private static void Slice(StepPlan plan, int sequence, int rows, int position, KvLayout layout, int pagesEach)
    {
        int[] pages = [.. Enumerable.Range(sequence * pagesEach, layout.PagesFor(position + rows))];
        plan.AddSlice(new int[rows], position, pages, 1);
    }

    private static void Report(string name, int tokens, Action fill, Decoder decoder, StepPlan plan)
    {
        plan.Clear();
        fill();
        decoder.Run(plan);
        decoder.Run(plan);
        double best = double.MaxValue;
        long allocated = GC.GetAllocatedBytesForCurrentThread();
        long first = Stopwatch.GetTimestamp();
        int steps = 0;
        for (; steps < 5 || Stopwatch.GetElapsedTime(first).TotalSeconds < 2; steps++)
        {
            long start = Stopwatch.GetTimestamp();
            decoder.Run(plan);
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"  {name,-24} {best * 1e3,9:F2} ms  {tokens / best,8:F1} tokens/s  {allocated / steps} bytes allocated per step"));
    }

    private static DecoderDescription Describe(Shape shape, TensorType type)
    {
        var attention = new AttentionDescription
        {
            Heads = shape.Heads,
            KeyValueHeads = shape.KeyValueHeads,
            HeadDim = shape.HeadDim,
            Rope = new RopeDescription
            {
                InverseFrequencies = [.. Enumerable.Range(0, shape.HeadDim / 2).Select(i => MathF.Pow(10000, -2f * i / shape.HeadDim))],
            },
            ScoreScale = 1 / MathF.Sqrt(shape.HeadDim),
        };
        return new DecoderDescription
        {
            Architecture = shape.Name,
            VocabularySize = shape.Vocabulary,
            HiddenSize = shape.Hidden,
            ContextLength = 8192,
            NormEpsilon = 1e-5f,
            TiedEmbeddings = true,
            WeightType = type,
            Layers = [.. Enumerable.Repeat(new LayerDescription { Attention = attention, Mlp = new MlpDescription { IntermediateSize = shape.Intermediate } }, shape.Layers)],
            EndOfSequence = [],
        };
    }

    private static DecoderWeights Load(Shape shape, DecoderDescription description, RandomWeights weights, CpuBackend backend)
    {
        int queries = shape.Heads * shape.HeadDim;
        int keys = shape.KeyValueHeads * shape.HeadDim;
        DeviceVector norm = backend.LoadVector(weights.Next(1, shape.Hidden));
        DeviceRope rope = backend.CreateRope(description.Layers[0].Attention.Rope);
        return new DecoderWeights
        {
            Embedding = backend.LoadTable(weights.Next(shape.Vocabulary, shape.Hidden)),
            EmbeddingTarget = 0,
            Layers = [.. Enumerable.Range(0, shape.Layers).Select(_ => new LayerWeights
            {
                AttentionNorm = norm,
                Qkv = Group(shape.Hidden, queries, keys, keys),
                Rope = rope,
                Output = Group(queries, shape.Hidden),
                MlpNorm = norm,
                GateUp = Group(shape.Hidden, shape.Intermediate, shape.Intermediate),
                Down = Group(shape.Intermediate, shape.Hidden),
            })],
            FinalNorm = norm,
            Head = Group(shape.Hidden, shape.Vocabulary),
        };

        LinearGroup Group(int inputs, params ReadOnlySpan<int> outputs)
        {
            var parts = new List<LinearPart>();
            foreach (int output in outputs)
            {
                parts.Add(new LinearPart(backend.LoadMatrix(weights.Next(output, inputs)), null, 0));
            }

            return new LinearGroup([.. parts]);
        }
    }
}
