using ILGPU;
using NUnit.Framework;
using SLoRA.Backends;
using SLoRA.Backends.Gpu;
using SLoRA.Formats;
using SLoRA.Sampling;
using SLoRA.Step;

namespace SLoRA.Core.Tests.Backends.Gpu;

/// <summary>Tokens chosen on the device against those that <see cref="Sampler"/> chooses from the same logits.</summary>
[DeviceFixture]
public sealed class ChooseKernelsTests
{
    // Cumulative probabilities are sums of fp32 in another order than the sampler's.
    private const double Rounding = 2e-5;

    private static readonly SamplingOptions[] Options =
    [
        new() { Temperature = 0 },
        new() { Temperature = 0, RepetitionPenalty = 1.3f, PresencePenalty = 0.5f, FrequencyPenalty = 0.25f },
        new() { Temperature = 1 },
        new() { Temperature = 0.7f, TopK = 20 },
        new() { Temperature = 1.3f, TopK = 1 },
        new() { Temperature = 1, TopP = 0.9f },
        new() { Temperature = 2.5f, TopP = 0.25f },
        new() { Temperature = 0.8f, TopP = 0.95f, TopK = 40, MinP = 0.05f },
        new() { Temperature = 1, MinP = 0.2f, RepetitionPenalty = 0.8f },
        new() { Temperature = 1.1f, TopK = 50, TopP = 0.8f, FrequencyPenalty = 0.7f,
            LogitBias = new Dictionary<int, float> { [3] = 5, [700] = -100 } },
    ];

    [Test]
    public void The_device_chooses_what_the_sampler_chooses(
        [ValueSource(nameof(Options))] SamplingOptions options, [Values(1, 5, 3001)] int vocabulary)
    {
        using var device = new Chooser(8, vocabulary);
        var random = new Random(vocabulary);
        for (int round = 0; round < 8; round++)
        {
            // Every other round has logits on a coarse grid, so that there are ties at every border.
            float[][] rows = [.. Enumerable.Range(0, 8).Select(_ => Logits(random, vocabulary, round % 2 == 0))];
            int[][] tokens =
                [.. Enumerable.Range(0, 8).Select(_ => Enumerable.Range(0, 30).Select(_ => random.Next(vocabulary)).ToArray())];
            Sampler[] samplers =
                [.. Enumerable.Range(0, 8).Select(i => new Sampler(Fitting(options, vocabulary), (ulong)((round * 8) + i), 10, 100))];
            int[] chosen = device.Choose(rows, samplers, tokens);
            for (int i = 0; i < 8; i++)
            {
                AssertIsRight(samplers[i], rows[i], tokens[i], chosen[i], (ulong)((round * 8) + i));
            }
        }
    }

    [TestCase(float.NaN)]
    [TestCase(float.PositiveInfinity)]
    public void Logits_that_allow_no_token_choose_none_and_leave_the_other_rows_alone(float bad)
    {
        using var device = new Chooser(3, 300);
        var random = new Random(5);
        float[][] rows = [Logits(random, 300, false), Logits(random, 300, false), Logits(random, 300, false)];
        rows[1][299] = bad;
        Sampler[] samplers =
            [.. Enumerable.Range(0, 3).Select(i => new Sampler(new SamplingOptions { Temperature = i % 2 }, (ulong)i, 1, 10))];
        int[] chosen = device.Choose(rows, samplers, [[1], [1], [1]]);
        Assert.Multiple(() =>
        {
            Assert.That(chosen[1], Is.Negative);
            Assert.That(chosen[0], Is.EqualTo(ArgMax.Of(rows[0])));
            Assert.That(chosen[2], Is.EqualTo(ArgMax.Of(rows[2])));
        });
    }

    [Test]
    public void Tokens_that_are_forbidden_by_negative_infinity_are_never_chosen()
    {
        using var device = new Chooser(2, 200);
        float[] row = Enumerable.Repeat(float.NegativeInfinity, 200).ToArray();
        row[77] = -3;
        Sampler[] samplers =
            [new(new SamplingOptions { Temperature = 1, TopP = 0.5f }, 1, 1, 10), new(new SamplingOptions { Temperature = 5 }, 2, 1, 10)];
        Assert.That(device.Choose([row, row], samplers, [[1], [1]]), Is.EqualTo(new[] { 77, 77 }));
    }

    private static float[] Logits(Random random, int vocabulary, bool coarse) => Enumerable.Range(0, vocabulary)
        .Select(_ => (float)(random.NextDouble() * 12) - 6).Select(logit => coarse ? MathF.Round(logit * 2) / 2 : logit).ToArray();

    private static SamplingOptions Fitting(SamplingOptions options, int vocabulary) => options.LogitBias is null ? options : options with
    {
        LogitBias = options.LogitBias.Where(bias => bias.Key < vocabulary).ToDictionary(),
    };

    private static void AssertIsRight(Sampler sampler, float[] logits, int[] tokens, int chosen, ulong seed)
    {
        var scratch = new SamplingScratch(logits.Length);
        int expected = sampler.Next(logits, tokens, scratch);
        if (sampler.IsGreedy || chosen == expected)
        {
            Assert.That(chosen, Is.EqualTo(expected));
            return;
        }

        // Another token only where the random number falls on the border between the two, within rounding.
        Candidates candidates = scratch.Candidates;
        double uniform = Philox.Uniform(seed, 20, 0);
        double before = 0;
        for (int i = 0; i < candidates.Count && candidates.TokenAt(i) < Math.Max(chosen, expected); i++)
        {
            before += candidates.Weights[i] / candidates.Total;
        }

        Assert.That(before, Is.EqualTo(uniform).Within(Rounding), $"{chosen} instead of {expected}");
    }

    /// <summary>A backend of which only the choice is used: output row i has the logits of row i.</summary>
    private sealed unsafe class Chooser : IDisposable
    {
        private readonly GpuBackend _backend;
        private readonly DeviceRows _logits;
        private readonly GpuDevice _device;
        private readonly StepPlan _plan;
        private readonly int _vocabulary;

        public Chooser(int outputs, int vocabulary)
        {
            _vocabulary = vocabulary;
            _device = GpuTestDevice.Open();
            _backend = new GpuBackend(_device, outputs, outputs);
            _plan = new StepPlan(outputs, outputs);
            GroupedAttention attention = Cpu.Layouts.Attention(1, 1, 2);
            _backend.AllocatePages(Cpu.Layouts.For(TensorType.F32, 1, attention), 8);
            _logits = _backend.CreateRows(RowSet.Output, vocabulary);
            _backend.CompleteLoading(Cpu.Layouts.Decoder(vocabulary, attention));
        }

        public int[] Choose(float[][] rows, Sampler[] samplers, int[][] tokens)
        {
            _plan.Clear();
            for (int i = 0; i < rows.Length; i++)
            {
                _plan.AddSlice([0], 0, [i], 1);
                Assert.That(samplers[i].TryDescribe(i, tokens[i], _plan.Choices));
            }

            _backend.BeginStep(_plan);
            ArrayView<byte> device = ((GpuRows)_logits).Values.Cast<byte>();
            for (int i = 0; i < rows.Length; i++)
            {
                fixed (float* row = rows[i])
                {
                    DeviceCopies.Upload(
                        _device.Stream, row, device.SubView((long)i * _vocabulary * sizeof(float), (long)_vocabulary * sizeof(float)));
                    _device.Stream.Synchronize();
                }
            }

            _backend.Choose(_logits);
            _backend.EndStep(_logits);
            return [.. Enumerable.Range(0, rows.Length).Select(_backend.Chosen)];
        }

        public void Dispose() => _backend.Dispose();
    }
}
